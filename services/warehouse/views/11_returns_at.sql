-- What was sent back at T, by return document and order line: the version sent last stands.
CREATE OR REPLACE VIEW returns_at $on_cluster AS
WITH returns AS
    (
        SELECT
            supplier_id,
            buyer_id,
            return_no,
            groupUniqArray((
                (time, event_id, source), position, order_no, line_no, quantity, returned_at
            )) AS all_lines,
            arrayMax(l -> l.1, all_lines) AS standing,
            arrayFilter(l -> l.1 = standing, all_lines) AS standing_lines
        FROM return_lines
        WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
        GROUP BY supplier_id, buyer_id, return_no
        HAVING toDate32(standing_lines[1].6, {zone:String}) < {as_of:Date32}
    )
SELECT
    supplier_id,
    buyer_id,
    return_no,
    line.3 AS order_no,
    line.4 AS line_no,
    toDate32(any(line.6), {zone:String}) AS returned_on,
    sum(line.5) AS quantity,
    [(any(standing).3, any(standing).2)] AS events
FROM returns
ARRAY JOIN standing_lines AS line
GROUP BY supplier_id, buyer_id, return_no, order_no, line_no;
