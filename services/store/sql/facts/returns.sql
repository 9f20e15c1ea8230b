-- What was sent back of each order line by these return documents?
-- The version sent last stands. A line that only an older version names is kept, with nothing
-- returned. Quantities are in the unit of the order line, as in receipts.
INSERT INTO return_facts
WITH
    returns AS
    (
        SELECT
            supplier_id,
            buyer_id,
            return_no,
            groupUniqArray((
                (time, event_id, source), position, order_no, line_no, quantity, returned_at,
                ifNull(toString(uom), ''))) AS all_lines,
            arrayMax(l -> l.1, all_lines) AS standing,
            arrayFilter(l -> l.1 = standing, all_lines) AS standing_lines
        FROM return_lines
        WHERE $which
        GROUP BY supplier_id, buyer_id, return_no
    ),
    by_line AS
    (
        SELECT
            supplier_id,
            buyer_id,
            return_no,
            line.1 AS order_no,
            line.2 AS line_no,
            length(all_lines) AS made_of,
            standing,
            standing_lines[1].6 AS returned_at,
            arrayFilter(l -> l.3 = order_no AND l.4 = line_no, standing_lines) AS own
        FROM returns
        ARRAY JOIN arrayDistinct(arrayMap(l -> (l.3, l.4), all_lines)) AS line
    ),
    units AS
    (
        $units_of_lines
        WHERE (supplier_id, buyer_id, order_no, line_no) IN (
            SELECT supplier_id, buyer_id, order_no, line_no FROM return_lines WHERE $which)
        GROUP BY supplier_id, buyer_id, order_no, line_no
    )
SELECT
    {rules:UInt64},
    r.supplier_id,
    r.buyer_id,
    r.order_no,
    r.line_no,
    r.return_no,
    r.made_of + u.versions,
    r.returned_at,
    toDate32(r.returned_at, {zone:String}) AS returned_on,
    arrayMap(
        (day, after, before) -> (day, after - before),
        if(u.unit = '' OR u.unit_day <= returned_on, [returned_on], [returned_on, u.unit_day])
            AS days,
        arrayMap(
            unit -> arraySum(arrayMap(l -> $converted(l.5, l.7, unit), r.own)),
            if(u.unit != '' AND u.unit_day <= returned_on, [u.unit], if(u.unit = '', [''], ['', u.unit])))
            AS left_then,
        arrayPopBack(arrayPushFront(left_then, 0::Decimal(38, 6)))),
    [(r.standing.3, r.standing.2)]
FROM by_line AS r
LEFT JOIN units AS u USING (supplier_id, buyer_id, order_no, line_no)
