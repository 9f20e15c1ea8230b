-- Which order lines do suppliers (empty = all) dispute with these buyers, without an answer yet?
-- Of each line the dispute sent last, as its supplier wrote it.
SELECT
    d.supplier_id AS supplier_id,
    d.buyer_id AS buyer_id,
    d.order_no AS order_no,
    d.line_no AS line_no,
    d.disputed_at AS disputed_at,
    d.v.1 AS reason,
    d.v.2 AS evidence,
    count() OVER () AS total
FROM
(
    SELECT
        supplier_id, buyer_id, order_no, line_no, max(time) AS disputed_at,
        argMax((reason, evidence), (time, event_id, source)) AS v
    FROM disputes
    WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
        AND buyer_id IN {buyers:Array(String)}
        AND (empty({orders:Array(String)}) OR order_no IN {orders:Array(String)})
    GROUP BY supplier_id, buyer_id, order_no, line_no
) AS d
LEFT JOIN
(
    SELECT supplier_id, buyer_id, order_no, line_no, max(time) AS answered_at
    FROM dispute_answers
    WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
        AND buyer_id IN {buyers:Array(String)}
    GROUP BY supplier_id, buyer_id, order_no, line_no
) AS a USING (supplier_id, buyer_id, order_no, line_no)
-- An answer later than the dispute closes it.
WHERE d.disputed_at > a.answered_at
ORDER BY disputed_at, supplier_id, order_no, line_no
LIMIT {limit:UInt32}
