-- Every inspected lot at T, by the standing version, in the unit that it gives ('' = none).
-- An inspection of quantity 0 counts in nothing.
CREATE OR REPLACE VIEW inspections_at $on_cluster AS
WITH standing AS
    (
        SELECT
            supplier_id,
            buyer_id,
            inspection_no,
            argMax(
                (inspected_at, order_no, line_no, quantity_inspected, quantity_rejected,
                disposition, receipt_no, source, event_id, ifNull(toString(uom), '')),
                (time, event_id, source)) AS v
        FROM inspections
        WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
        GROUP BY supplier_id, buyer_id, inspection_no
    )
SELECT
    supplier_id,
    buyer_id,
    inspection_no,
    toDate32(v.1, {zone:String}) AS inspected_on,
    v.2 AS order_no,
    v.3 AS line_no,
    v.4 AS quantity_inspected,
    v.5 AS quantity_rejected,
    v.6 AS disposition,
    v.7 AS receipt_no,
    [(v.8, v.9)] AS events,
    v.10 AS uom
FROM standing
WHERE inspected_on < {as_of:Date32} AND quantity_inspected > 0;
