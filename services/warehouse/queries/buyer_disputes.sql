-- Which order lines of a buyer are disputed and not answered at T, the oldest dispute first?
SELECT
    supplier_id,
    order_no,
    line_no,
    toDate32(asked_at, {zone:String}) AS disputed_on,
    reason,
    count() OVER () AS total
FROM
(
    SELECT
        supplier_id,
        buyer_id,
        order_no,
        line_no,
        max(time) AS asked_at,
        argMax(reason, (time, event_id, source)) AS reason
    FROM disputes
    WHERE buyer_id IN {buyers:Array(String)} AND toDate32(time, {zone:String}) < {as_of:Date32}
    GROUP BY supplier_id, buyer_id, order_no, line_no
) AS d
LEFT JOIN
(
    SELECT supplier_id, buyer_id, order_no, line_no, max(time) AS answered_at
    FROM dispute_answers
    WHERE buyer_id IN {buyers:Array(String)} AND toDate32(time, {zone:String}) < {as_of:Date32}
    GROUP BY supplier_id, buyer_id, order_no, line_no
) AS a USING (supplier_id, buyer_id, order_no, line_no)
-- A dispute is open until an answer that is later than it.
WHERE asked_at > answered_at
ORDER BY asked_at, supplier_id, order_no, line_no
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
