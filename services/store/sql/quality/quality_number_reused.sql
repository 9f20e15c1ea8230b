-- Which numbers of a $document were used again, so that a later version replaced an earlier document?
-- Two versions share no order line and are over 90 days apart, by the time of sending or by their own
-- date. What the replaced version said is put right by a document with another number that names the
-- same line (and the same day).
WITH
    versions AS
    (
        SELECT
            supplier_id, buyer_id, $number AS number, time, event_id, source,
            any($dated) AS dated,
            groupUniqArray((ifNull(order_no, ''), ifNull(line_no, ''))) AS lines
        FROM $table
        WHERE $partners
            AND (supplier_id, buyer_id, $number) IN (
                SELECT supplier_id, buyer_id, $number
                FROM $table
                WHERE $partners
                GROUP BY supplier_id, buyer_id, $number
                HAVING max(time) > min(time) + toIntervalDay(90)
                    OR max($dated) > min($dated) + toIntervalDay(90))
        GROUP BY supplier_id, buyer_id, $number, time, event_id, source
        HAVING NOT arrayExists(l -> l.1 = '', lines)
    ),
    documents AS
    (
        SELECT
            supplier_id, buyer_id, number,
            arraySort(groupArray((time, event_id, source, dated, lines))) AS all,
            all[-1] AS stands
        FROM versions
        GROUP BY supplier_id, buyer_id, number
    ),
    lost AS
    (
        SELECT
            supplier_id, buyer_id, number, stands, v,
            arrayJoin(arrayFilter(l -> NOT has(stands.5, l), v.5)) AS line,
            $day_of_v AS day
        FROM documents
        ARRAY JOIN
            arrayFilter(
                x -> arrayExists(
                    y -> (y.1, y.2, y.3) > (x.1, x.2, x.3) AND NOT hasAny(x.5, y.5)
                        AND (
                            y.1 > x.1 + toIntervalDay(90) OR y.4 > x.4 + toIntervalDay(90)
                            OR x.4 > y.4 + toIntervalDay(90)),
                    all),
                all) AS v
    ),
    elsewhere AS
    (
        SELECT
            supplier_id, buyer_id, (ifNull(order_no, ''), ifNull(line_no, '')) AS line,
            $day AS day, groupUniqArray($number) AS numbers
        FROM $table
        WHERE $partners
            AND (supplier_id, buyer_id, order_no, line_no) IN (
                SELECT supplier_id, buyer_id, line.1, line.2 FROM lost)
        GROUP BY supplier_id, buyer_id, line, day
    )
SELECT
    toString(l.supplier_id) AS supplier_id,
    toString(l.buyer_id) AS buyer_id,
    '$document' AS document,
    l.number AS number,
    '' AS order_no,
    '' AS line_no,
    toDate32(any(l.stands).1, {zone:String}) AS since,
    map(
        'first_on', toString(min(toDate32(l.v.4, {zone:String}))),
        'last_on', toString(toDate32(any(l.stands).4, {zone:String})),
        'lines', arrayStringConcat(
            arraySlice(
                arraySort(groupUniqArray(concat(l.line.1, ' / ', l.line.2))), 1, 5), ', ')) AS facts,
    arrayPushBack(
        groupUniqArray((toString(l.v.3), l.v.2)), (toString(any(l.stands).3), any(l.stands).2))
        AS events
FROM lost AS l
LEFT JOIN elsewhere AS e
    ON l.supplier_id = e.supplier_id AND l.buyer_id = e.buyer_id AND l.line = e.line
        AND l.day = e.day
WHERE NOT arrayExists(other -> other != l.number, e.numbers)
GROUP BY l.supplier_id, l.buyer_id, l.number
