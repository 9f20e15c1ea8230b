-- What does each of these goods receipts, as a document, add to the figures, and for which dates?
-- receipt: day = receipt, while anything of it is left; b = announced: its despatch_no names a despatch
--   advice of the same buyer and supplier that was first sent before the goods came. A receipt without
--   a despatch_no is left out if the standing version of such an advice names one of its order lines.
INSERT INTO figure_parts
WITH
    receipts AS
    (
        SELECT
            supplier_id,
            buyer_id,
            receipt_no,
            ifNull(any(despatch_no), '') AS despatch_no,
            any(received_at) AS received_at,
            any(received_on) AS received_on,
            sum(version) AS made_of,
            groupArrayIf((order_no, line_no), named) AS names,
            arrayFlatten(groupArray(net)) AS changes,
            arraySort(arrayDistinct(arrayMap(c -> c.known_on, changes))) AS days
        FROM receipt_facts FINAL
        WHERE $which AND rules = {rules:UInt64}
        GROUP BY supplier_id, buyer_id, receipt_no
    ),
    lines_without AS
    (
        SELECT supplier_id, buyer_id, name.1 AS order_no, name.2 AS line_no
        FROM receipts
        ARRAY JOIN names AS name
        WHERE despatch_no = ''
    ),
    notices AS
    (
        SELECT
            supplier_id,
            buyer_id,
            despatch_no,
            min(time) AS announced_at,
            uniqExact(time, source, event_id) AS made_of,
            groupArray(((time, event_id, source), order_no, line_no)) AS all_lines,
            arrayMax(l -> l.1, all_lines) AS standing,
            arrayDistinct(arrayMap(
                l -> (l.2, l.3), arrayFilter(l -> l.1 = standing, all_lines))) AS lines,
            arrayDistinct(arrayMap(l -> (l.2, l.3), all_lines)) AS ever_named
        FROM despatch_lines
        WHERE (supplier_id, buyer_id, despatch_no) IN (
                SELECT supplier_id, buyer_id, despatch_no FROM receipts WHERE despatch_no != '')
            OR (supplier_id, buyer_id, despatch_no) IN (
                SELECT supplier_id, buyer_id, despatch_no
                FROM despatch_lines
                WHERE (supplier_id, buyer_id, order_no, line_no) IN (
                    SELECT supplier_id, buyer_id, order_no, line_no FROM lines_without))
        GROUP BY supplier_id, buyer_id, despatch_no
    ),
    announced_lines AS
    (
        SELECT
            supplier_id,
            buyer_id,
            groupArray((announced_at, lines, ever_named, made_of)) AS notices
        FROM notices
        GROUP BY supplier_id, buyer_id
    )
SELECT
    {rules:UInt64},
    r.supplier_id,
    r.buyer_id,
    'receipt',
    r.receipt_no,
    '',
    r.made_of * 4294967296 + if(
        r.despatch_no = '',
        arraySum(arrayMap(n -> if(hasAny(n.3, r.names), n.4, 0), a.notices)),
        d.made_of),
    arrayMap(
        x -> CAST(
            (
                'receipt', '', r.received_on, x.1, x.2, 0,
                d.made_of > 0 AND d.announced_at < r.received_at, 0, 0, 0, 0, 0
            ),
            '$part'),
        arrayFilter(
            x -> arraySum(arrayMap(
                    c -> if(c.known_on <= x.1, c.quantity, 0::Decimal(38, 6)), r.changes)) > 0
                AND NOT (r.despatch_no = '' AND arrayExists(
                    n -> n.1 < r.received_at AND hasAny(n.2, r.names), a.notices)),
            arrayMap(
                (day, next) -> (day, next),
                r.days, arrayPopFront(arrayPushBack(r.days, toDate32('2299-12-31'))))))
FROM receipts AS r
LEFT JOIN notices AS d USING (supplier_id, buyer_id, despatch_no)
LEFT JOIN announced_lines AS a USING (supplier_id, buyer_id)
