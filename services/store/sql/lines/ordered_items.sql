-- Which items were ordered from a supplier lately, those with the most lines first?
SELECT item_no
FROM order_versions
WHERE supplier_id = {supplier:String} AND requested_date >= {since:Date32}
GROUP BY item_no
ORDER BY count() DESC, item_no
LIMIT {limit:UInt32}
