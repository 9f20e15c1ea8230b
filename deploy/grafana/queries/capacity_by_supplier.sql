-- Whose processes are the fullest?
SELECT
    supplier_id AS "Supplier",
    process AS "Process",
    uom AS "Unit",
    demand AS "Demand",
    capacity AS "Capacity a month",
    load AS "Load"
FROM grafana_capacity(as_of = @as_of, @selected)
ORDER BY load DESC NULLS LAST, supplier_id, process
