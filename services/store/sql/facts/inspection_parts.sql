-- What does each of these inspections add to the figures, and for which dates?
-- The version sent last stands; an inspection of quantity 0 counts in nothing.
-- inspected: day = inspection; a = quantity rejected that counts, in the smallest unit of the kind of
--   the unit in the label; b = its disposition is accepted; c = quantity rejected as it says itself.
-- The inspections of one receipt line together reject at most what is left of the line: in the order
-- of their instants each takes from what is still left. So an inspection is computed together with all
-- others of its receipt line, for each day on which the order line, its unit, or what is left of the
-- receipt line changed.
INSERT INTO figure_parts
WITH
    asked AS
    (
        SELECT DISTINCT supplier_id, buyer_id, inspection_no, receipt_no, order_no, line_no
        FROM inspections
        WHERE $which
    ),
    concerned AS
    (
        SELECT
            supplier_id,
            buyer_id,
            inspection_no,
            uniqExact(time, source, event_id) AS made_of,
            argMax(
                (
                    inspected_at, ifNull(receipt_no, ''), order_no, line_no, quantity_inspected,
                    quantity_rejected, toString(disposition), ifNull(toString(uom), '')
                ),
                (time, event_id, source)) AS v
        FROM inspections
        WHERE (supplier_id, buyer_id, inspection_no) IN (
            SELECT supplier_id, buyer_id, inspection_no FROM asked
            UNION ALL
            SELECT supplier_id, buyer_id, inspection_no
            FROM inspections
            WHERE (supplier_id, buyer_id, order_no, line_no) IN (
                    SELECT supplier_id, buyer_id, order_no, line_no
                    FROM asked
                    WHERE isNotNull(receipt_no))
                AND isNotNull(receipt_no))
        GROUP BY supplier_id, buyer_id, inspection_no
    ),
    lots AS
    (
        SELECT
            supplier_id, buyer_id, inspection_no, made_of, v.1 AS inspected_at,
            toDate32(inspected_at, {zone:String}) AS inspected_on, v.2 AS receipt_no,
            v.3 AS order_no, v.4 AS line_no, v.5 > 0 AS is_lot, v.6 AS rejected, v.7 AS disposition,
            v.8 AS uom
        FROM concerned
    ),
    units AS
    (
        $units_of_lines
        WHERE (supplier_id, buyer_id, order_no, line_no) IN (
            SELECT supplier_id, buyer_id, order_no, line_no FROM lots)
        GROUP BY supplier_id, buyer_id, order_no, line_no
    ),
    received AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no, receipt_no, version, received_on, named,
            orphan_unit, conflict_from, net
        FROM receipt_facts FINAL
        WHERE rules = {rules:UInt64}
            AND (supplier_id, buyer_id, order_no, line_no) IN (
                SELECT supplier_id, buyer_id, order_no, line_no FROM lots WHERE receipt_no != '')
    ),
    weights AS
    (
        -- How many versions of inspections name each receipt line. This is part of the version of a
        -- part, because it only grows, even if an inspection is corrected to name another line.
        SELECT
            supplier_id, buyer_id, order_no, line_no, assumeNotNull(receipt_no) AS receipt_no,
            uniqExact(inspection_no, time, source, event_id) AS made_of
        FROM inspections
        WHERE isNotNull(inspections.receipt_no) AND (supplier_id, buyer_id, order_no, line_no) IN (
            SELECT supplier_id, buyer_id, order_no, line_no FROM lots)
        GROUP BY supplier_id, buyer_id, order_no, line_no, receipt_no
    ),
    by_receipt_line AS
    (
        -- An inspection that names no receipt is a group of its own.
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            receipt_no,
            arraySort(groupArray((
                inspected_at, inspection_no, inspected_on, rejected, disposition, uom, made_of,
                is_lot))) AS lots
        FROM lots
        GROUP BY
            supplier_id, buyer_id, order_no, line_no, receipt_no,
            if(receipt_no = '', inspection_no, '')
    ),
    joined AS
    (
        SELECT
            l.supplier_id AS supplier_id,
            l.buyer_id AS buyer_id,
            l.lots AS all_lots,
            toDate32('2299-12-31') AS ever,
            l.receipt_no != '' AND r.named AS has_receipt,
            if(u.versions = 0, ever, u.first_day) AS first_day,
            if(u.unit = '', ever, u.unit_day) AS unit_day,
            if(has_receipt, r.received_on, ever) AS received_on,
            if(has_receipt, r.conflict_from, ever) AS conflict_from,
            r.net AS net,
            r.version + u.versions + w.made_of AS made_of,
            arraySort(arrayDistinct(arrayFilter(
                day -> day < ever,
                arrayConcat(
                    [toDate32('1900-01-01'), first_day, unit_day, received_on, conflict_from],
                    arrayMap(n -> n.known_on, net))))) AS days,
            arrayMap(
                day -> multiIf(
                    first_day > day, if(received_on <= day, r.orphan_unit, ''),
                    unit_day > day, '', u.unit),
                days) AS units_then,
            -- What is left of the receipt line; -1 if there is no limit.
            arrayMap(
                day -> if(
                    received_on > day OR conflict_from <= day, -1::Decimal(38, 6),
                    arraySum(arrayMap(
                        n -> if(n.known_on <= day, n.quantity, 0::Decimal(38, 6)), net))),
                days) AS left_then
        FROM by_receipt_line AS l
        LEFT JOIN units AS u USING (supplier_id, buyer_id, order_no, line_no)
        LEFT JOIN received AS r USING (supplier_id, buyer_id, order_no, line_no, receipt_no)
        LEFT JOIN weights AS w USING (supplier_id, buyer_id, order_no, line_no, receipt_no)
    ),
    counted AS
    (
        SELECT
            supplier_id,
            buyer_id,
            made_of,
            all_lots,
            days,
            ever,
            units_then,
            -- By day, what each rejects; NULL if its unit does not convert: then it is not a lot.
            arrayMap(
                unit -> arrayMap(
                    x -> if(
                        x.8 AND NOT (unit != '' AND x.6 != '' AND $kind_of(x.6) != $kind_of(unit)),
                        toNullable($converted(x.4, x.6, unit)), NULL),
                    all_lots),
                units_then) AS rejected_then,
            -- By day, how much of each rejection counts after those before it.
            arrayMap(
                (rejects, still) -> arrayMap(
                    (own, before) -> multiIf(
                        isNull(own), NULL,
                        still < 0, own,
                        least(own, greatest(0::Decimal(38, 6), still - before))),
                    rejects,
                    arrayPopBack(arrayPushFront(
                        arrayCumSum(arrayMap(x -> ifNull(x, 0::Decimal(38, 6)), rejects)),
                        0::Decimal(38, 6)))),
                rejected_then, left_then) AS counts_then
        FROM joined
    )
SELECT
    {rules:UInt64},
    supplier_id,
    buyer_id,
    'inspection',
    lot.2,
    '',
    lot.7 * 4294967296 + made_of,
    arrayFilter(
        p -> p.until > p.since AND p.until > p.day,
        arrayMap(
            (unit, counts, rejects, day, next) -> CAST(
                (
                    'inspected', unit, lot.3, greatest(day, lot.3),
                    if(isNull(counts[place]), day, next), ifNull(counts[place], 0::Decimal(38, 6)),
                    lot.5 = 'accepted', ifNull(rejects[place], 0::Decimal(38, 6)), 0, 0, 0, 0
                ),
                '$part'),
            units_then, counts_then, rejected_then, days,
            arrayPushBack(arrayPopFront(days), ever)))
FROM counted
ARRAY JOIN all_lots AS lot, arrayEnumerate(all_lots) AS place
WHERE (supplier_id, buyer_id, lot.2) IN (SELECT supplier_id, buyer_id, inspection_no FROM asked)
