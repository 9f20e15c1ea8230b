-- What was sent back of every order line by the return documents that $which names: the version
-- sent last stands. A line that only an older version names is kept, with nothing.
INSERT INTO return_facts
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
        WHERE $which
        GROUP BY supplier_id, buyer_id, return_no
    )
SELECT
    {rules:UInt64},
    supplier_id,
    buyer_id,
    line.1 AS order_no,
    line.2 AS line_no,
    return_no,
    length(all_lines),
    toDate32(standing_lines[1].6, {zone:String}),
    arraySum(arrayMap(
        l -> l.5, arrayFilter(l -> l.3 = order_no AND l.4 = line_no, standing_lines))),
    [(standing.3, standing.2)]
FROM returns
ARRAY JOIN arrayDistinct(arrayMap(l -> (l.3, l.4), all_lines)) AS line
