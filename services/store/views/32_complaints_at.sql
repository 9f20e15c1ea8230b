-- Every complaint opened before T, by the version sent last.
CREATE OR REPLACE VIEW complaints_at $on_cluster AS
WITH standing AS
    (
        SELECT
            supplier_id,
            buyer_id,
            complaint_no,
            argMax(
                (opened_at, severity, order_no, line_no, quantity, inspection_no, source, event_id),
                (time, event_id, source)) AS v
        FROM complaints
        WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
        GROUP BY supplier_id, buyer_id, complaint_no
    )
SELECT
    supplier_id,
    buyer_id,
    complaint_no,
    toDate32(v.1, {zone:String}) AS opened_on,
    v.2 AS severity,
    v.3 AS order_no,
    v.4 AS line_no,
    ifNull(v.5, 0::Decimal(38, 6)) AS quantity,
    v.6 AS inspection_no,
    [(v.7, v.8)] AS events
FROM standing
WHERE opened_on < {as_of:Date32};
