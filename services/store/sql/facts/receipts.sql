-- What of each order line did these goods receipts bring, and what did reversals take back?
-- First the version sent last is chosen, whatever its time; its date then decides when it counts.
-- A reversal takes from the version in force at its own time, so it takes from the standing version
-- only if it is not older than that; one timed before the first version is taken as if at that
-- version's time. A line that only an older version names is kept, with nothing received.
-- A line is counted in the unit of its order line, in the smallest unit of the kind; while the order
-- line has no version, in the first unit that the receipt names for it; while no version names a unit,
-- as sent. So what is left is computed for each day on which a reversal, the order line or its unit
-- became known.
INSERT INTO receipt_facts
WITH
    receipts AS
    (
        SELECT
            supplier_id,
            buyer_id,
            receipt_no,
            groupUniqArray((
                (time, event_id, source), position, order_no, line_no, quantity, received_at,
                despatch_no, ifNull(toString(uom), ''))) AS all_lines,
            arrayDistinct(arrayMap(l -> l.1, all_lines)) AS versions,
            arrayMax(versions) AS standing,
            arraySort(l -> l.2, arrayFilter(l -> l.1 = standing, all_lines)) AS standing_lines
        FROM receipt_lines
        WHERE $which
        GROUP BY supplier_id, buyer_id, receipt_no
    ),
    reversals AS
    (
        SELECT
            supplier_id,
            buyer_id,
            receipt_no,
            arraySort(groupUniqArray((
                time, event_id, source, position, order_no, line_no, quantity,
                ifNull(toString(uom), '')))) AS taken
        FROM reversal_lines
        WHERE $which
        GROUP BY supplier_id, buyer_id, receipt_no
    ),
    by_line AS
    (
        SELECT
            supplier_id,
            buyer_id,
            receipt_no,
            line.1 AS order_no,
            line.2 AS line_no,
            all_lines,
            versions,
            standing,
            standing_lines,
            taken
        FROM receipts
        LEFT JOIN reversals USING (supplier_id, buyer_id, receipt_no)
        ARRAY JOIN arrayDistinct(arrayMap(l -> (l.3, l.4), all_lines)) AS line
    ),
    units AS
    (
        $units_of_lines
        WHERE (supplier_id, buyer_id, order_no, line_no) IN (
            SELECT supplier_id, buyer_id, order_no, line_no FROM receipt_lines WHERE $which)
        GROUP BY supplier_id, buyer_id, order_no, line_no
    ),
    -- In separate stages, because the planner plans a named expression again at each use.
    known AS
    (
        SELECT
            r.supplier_id AS supplier_id,
            r.buyer_id AS buyer_id,
            r.order_no AS order_no,
            r.line_no AS line_no,
            r.receipt_no AS receipt_no,
            length(r.all_lines) + length(r.taken) + u.versions AS version,
            r.standing AS standing,
            r.standing_lines[1].6 AS received_at,
            toDate32(r.standing_lines[1].6, {zone:String}) AS received_on,
            r.standing_lines[1].7 AS despatch_no,
            if(u.versions = 0, toDate32('2299-12-31'), u.first_day) AS first_day,
            if(u.unit = '', toDate32('2299-12-31'), u.unit_day) AS unit_day,
            u.unit AS line_unit,
            arrayFilter(l -> l.3 = r.order_no AND l.4 = r.line_no, r.standing_lines) AS own,
            arrayFilter(
                x -> greatest(x.1, arrayMin(r.versions).1) >= r.standing.1
                    AND (x.4 = 0 OR (x.5 = r.order_no AND x.6 = r.line_no)),
                r.taken) AS counted
        FROM by_line AS r
        LEFT JOIN units AS u USING (supplier_id, buyer_id, order_no, line_no)
    ),
    dated AS
    (
        SELECT
            *,
            arrayFirst(x -> x != '', arrayMap(l -> l.8, own)) AS orphan_unit,
            -- Each reversal with the day from which it is known.
            arrayMap(
                x -> (greatest(received_on, toDate32(x.1, {zone:String})), x.4 = 0, x.7, x.8),
                counted) AS against,
            arraySort(arrayDistinct(arrayFilter(
                day -> day >= received_on AND day < toDate32('2299-12-31'),
                arrayConcat([received_on, first_day, unit_day], arrayMap(x -> x.1, against)))))
                AS days
        FROM known
    ),
    left_by_day AS
    (
        SELECT
            *,
            -- What is left at the end of each day, never less than 0.
            arrayMap(
                (day, unit) -> if(
                    arrayExists(x -> x.2 AND x.1 <= day, against),
                    0::Decimal(38, 6),
                    greatest(
                        0::Decimal(38, 6),
                        arraySum(arrayMap(l -> $converted(l.5, l.8, unit), own))
                            - arraySum(arrayMap(
                                x -> if(
                                    x.1 <= day, $converted(x.3, x.4, unit), 0::Decimal(38, 6)),
                                against)))),
                days,
                arrayMap(
                    day -> multiIf(first_day > day, orphan_unit, unit_day > day, '', line_unit),
                    days)) AS left_then
        FROM dated
    )
SELECT
    {rules:UInt64},
    supplier_id,
    buyer_id,
    order_no,
    line_no,
    receipt_no,
    version,
    received_at,
    received_on,
    despatch_no,
    notEmpty(own),
    orphan_unit,
    if(
        notEmpty(own) AND line_unit != ''
            AND arrayAll(l -> l.8 != '' AND $kind_of(l.8) != $kind_of(line_unit), own),
        unit_day, toDate32('2299-12-31')),
    if(
        empty(own),
        [],
        arrayFilter(
            (c, at) -> at = 1 OR c.2 != 0,
            arrayMap(
                (day, after, before) -> (day, after - before),
                days, left_then, arrayPopBack(arrayPushFront(left_then, 0::Decimal(38, 6)))),
            arrayEnumerate(days))),
    arrayDistinct(arrayConcat(
        [(standing.3, standing.2)], arrayMap(x -> (x.3, x.2), counted)))
FROM left_by_day
