-- What is ordered of each process, against what its suppliers can make in a month?
SELECT
    process AS "Process",
    uom AS "Unit",
    sum(demand) AS "Demand",
    sum(capacity) AS "Capacity a month",
    if("Capacity a month" = 0, NULL, "Demand" / "Capacity a month") AS "Load",
    count() AS "Suppliers"
FROM grafana_capacity(as_of = @as_of, @selected)
GROUP BY process, uom
ORDER BY "Load" DESC NULLS LAST, process
