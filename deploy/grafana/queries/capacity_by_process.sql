-- What is ordered of each process, against what its suppliers can make in a month?
SELECT
    process AS "Process",
    uom AS "Unit",
    sum(demand) AS "Demand",
    sum(capacity) AS "Capacity a month",
    -- Of suppliers whose demand is known: it may be in units that do not convert.
    sum(demand) / nullIf(sumIf(capacity, isNotNull(demand)), 0) AS "Load",
    count() AS "Suppliers"
FROM grafana_capacity(as_of = @as_of, @selected)
GROUP BY process, uom
ORDER BY "Load" DESC NULLS LAST, process
