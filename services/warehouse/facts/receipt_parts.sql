-- What every goods receipt $which names, as a document, adds to the figures, and for which dates.
-- receipt: day = that of the receipt, while anything of it is left; b announced: its despatch_no names
--   a despatch advice of the same buyer and supplier, first sent before the goods came.
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
            arrayFlatten(groupArray(net)) AS changes,
            arraySort(arrayDistinct(arrayMap(c -> c.known_on, changes))) AS days
        FROM receipt_facts FINAL
        WHERE $which AND rules = {rules:UInt64}
        GROUP BY supplier_id, buyer_id, receipt_no
    ),
    despatches AS
    (
        SELECT
            supplier_id, buyer_id, despatch_no, min(time) AS announced_at,
            uniqExact(time, source, event_id) AS made_of
        FROM despatch_lines
        WHERE (supplier_id, buyer_id, despatch_no) IN (
            SELECT supplier_id, buyer_id, despatch_no FROM receipts)
        GROUP BY supplier_id, buyer_id, despatch_no
    )
SELECT
    {rules:UInt64},
    r.supplier_id,
    r.buyer_id,
    'receipt',
    r.receipt_no,
    '',
    r.made_of + d.made_of,
    arrayMap(
        x -> CAST(
            (
                'receipt', '', r.received_on, x.1, x.2, 0,
                d.made_of > 0 AND d.announced_at < r.received_at, 0, 0, 0, 0, 0
            ),
            '$part'),
        arrayFilter(
            x -> arraySum(arrayMap(
                c -> if(c.known_on <= x.1, c.quantity, 0::Decimal(38, 6)), r.changes)) > 0,
            arrayMap(
                (day, next) -> (day, next),
                r.days, arrayPopFront(arrayPushBack(r.days, toDate32('2299-12-31'))))))
FROM receipts AS r
LEFT JOIN despatches AS d USING (supplier_id, buyer_id, despatch_no)
