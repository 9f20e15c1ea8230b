-- How did these order lines ([[buyer, order, line], ...] as JSON) stand after each of their order
-- events, and what came and went back of them?
SELECT
    l.buyer_id AS buyer_id,
    l.order_no AS order_no,
    l.line_no AS line_no,
    l.first_day AS first_day,
    CAST(arrayMap(
        s -> (
            s.due, s.requested, s.quantity, s.most, s.out, s.cancelled_by, s.item_no, s.uom,
            s.revision, s.confirmed, s.due_set_by.source, s.due_set_by.id),
        l.steps),
        'Array(Tuple(Date32, Date32, Decimal(38, 6), Decimal(38, 6), String, String, String, String,
            UInt32, UInt8, String, String))') AS steps,
    CAST(l.events, 'Array(Tuple(Date32, String, String))') AS events,
    CAST(l.receipts, 'Array(Tuple(Date32, Date32, Decimal(38, 6), String))') AS receipts,
    CAST(l.returns, 'Array(Tuple(Date32, Decimal(38, 6), String))') AS returns
FROM order_line_facts AS l FINAL
WHERE l.rules = {rules:UInt64} AND l.supplier_id = {supplier:String}
    AND (l.buyer_id, l.order_no, l.line_no) IN (
        SELECT arrayJoin(JSONExtract({lines:String}, 'Array(Tuple(String, String, String))')))
