-- Which order lines of the last 180 days were written after their goods came, or after their date?
SELECT
    toString(supplier_id) AS supplier_id,
    toString(buyer_id) AS buyer_id,
    'order' AS document,
    '' AS number,
    order_no,
    line_no,
    first_day AS since,
    map(
        'ordered_on', toString(first_day),
        'requested_on', toString(first_requested),
        'received_on', toString(arrayMin(arrayPushBack(
            arrayMap(
                r -> r.received_on, arrayFilter(r -> r.known_on <= {as_of:Date32}, receipts)),
            toDate32('2299-12-31'))))) AS facts,
    arraySlice(
        CAST(
            arrayMap(e -> (e.source, e.id), arrayFilter(e -> e.id != '', events)),
            'Array(Tuple(String, String))'),
        1, 1) AS events
FROM
(
    SELECT
        *, arrayCount(d -> d <= {as_of:Date32}, steps.day) AS i
    FROM order_line_facts FINAL
    WHERE rules = {rules:UInt64} AND $partners AND first_day <= {as_of:Date32}
        AND first_day > {as_of:Date32} - 180
)
WHERE steps[i].out = 'retroactive'
