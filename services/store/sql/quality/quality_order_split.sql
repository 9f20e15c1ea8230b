-- Which order numbers of a buyer are in force with more than one supplier?
SELECT
    last.2 AS supplier_id,
    toString(buyer_id) AS buyer_id,
    'order' AS document,
    '' AS number,
    order_no,
    '' AS line_no,
    toDate32(last.1, {zone:String}) AS since,
    map('suppliers', arrayStringConcat(arraySlice(names, 1, 5), ', ')) AS facts,
    CAST(all_events, 'Array(Tuple(String, String))') AS events
FROM
(
    SELECT
        buyer_id,
        order_no,
        arraySort(groupUniqArray(toString(supplier_id))) AS names,
        max((first_at, toString(supplier_id))) AS last,
        arraySlice(groupUniqArray(opened), 1, 10) AS all_events
    FROM
    (
        SELECT
            supplier_id, buyer_id, order_no, first_at,
            steps[arrayCount(d -> d <= {as_of:Date32}, steps.day)] AS s,
            (events.source[1], events.id[1]) AS opened
        FROM order_line_facts FINAL
        WHERE rules = {rules:UInt64} AND first_day <= {as_of:Date32}
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
            AND s.out NOT IN ('cancelled', 'zero')
    )
    GROUP BY buyer_id, order_no
)
WHERE length(names) > 1
    AND (empty({suppliers:Array(String)}) OR hasAny(names, {suppliers:Array(String)}))
