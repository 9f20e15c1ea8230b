-- Which receipts are dated over 180 days before or after every date of their order line?
WITH
    moved AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no, r.receipt_no AS receipt_no,
            r.received_on AS received_on, r.quantity AS quantity,
            steps[arrayCount(d -> d <= {as_of:Date32}, steps.day)] AS s,
            s.requested AS requested,
            s.due AS due
        FROM order_line_facts FINAL
        ARRAY JOIN receipts AS r
        WHERE rules = {rules:UInt64} AND $partners AND first_day <= {as_of:Date32}
            AND r.known_on <= {as_of:Date32}
            AND (
                r.received_on < least(first_day, requested, due) - 180
                OR r.received_on > greatest(first_day, requested, due) + 180)
    ),
    far AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no, receipt_no, received_on, requested, due
        FROM moved
        GROUP BY
            supplier_id, buyer_id, order_no, line_no, receipt_no, received_on, requested, due
        HAVING sum(quantity) > 0
    )
SELECT
    toString(f.supplier_id) AS supplier_id,
    toString(f.buyer_id) AS buyer_id,
    'receipt' AS document,
    f.receipt_no AS number,
    f.order_no AS order_no,
    f.line_no AS line_no,
    f.received_on AS since,
    map(
        'received_on', toString(f.received_on),
        'requested_on', toString(f.requested),
        'days', toString(abs(toInt32(f.received_on) - toInt32(f.due)))) AS facts,
    CAST(g.events, 'Array(Tuple(String, String))') AS events
FROM far AS f
LEFT JOIN
(
    SELECT supplier_id, buyer_id, order_no, line_no, receipt_no, events
    FROM receipt_facts FINAL
    WHERE rules = {rules:UInt64}
        AND (supplier_id, buyer_id, order_no, line_no, receipt_no) IN (
            SELECT supplier_id, buyer_id, order_no, line_no, receipt_no FROM far)
) AS g USING (supplier_id, buyer_id, order_no, line_no, receipt_no)
