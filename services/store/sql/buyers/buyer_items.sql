-- Which items does a buyer order, and from how many suppliers, most suppliers first?
SELECT
    item_no,
    argMax(ifNull(description, ''), (time, event_id)) AS description,
    uniqExact(supplier_id) AS suppliers,
    uniqExact(supplier_id, order_no, line_no) AS lines,
    toDate32(max(time), {zone:String}) AS last_ordered_on,
    count() OVER () AS total
FROM order_versions
WHERE buyer_id IN {buyers:Array(String)} AND toDate32(time, {zone:String}) < {as_of:Date32}
GROUP BY item_no
HAVING {search:String} = '' OR positionCaseInsensitiveUTF8(item_no, {search:String}) > 0
    OR positionCaseInsensitiveUTF8(description, {search:String}) > 0
ORDER BY suppliers DESC, lines DESC, item_no
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
