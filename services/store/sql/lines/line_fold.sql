-- How did these order lines stand after each of their events, and what was received and returned?
-- `lines` is [[buyer, order, line], ...] as JSON. Quantities are as in the facts: in the smallest unit
-- of the kind of the line's unit.
SELECT
    l.buyer_id AS buyer_id,
    l.order_no AS order_no,
    l.line_no AS line_no,
    l.first_day AS first_day,
    l.first_requested AS first_requested,
    CAST(arrayMap(
        s -> (
            s.due, s.requested, s.quantity, s.most, s.out, s.cancelled_by, s.item_no, s.uom,
            s.revision, s.confirmed, s.due_set_by.source, s.due_set_by.id, s.effect),
        l.steps),
        'Array(Tuple(Date32, Date32, Decimal(38, 6), Decimal(38, 6), String, String, String, String,
            UInt32, UInt8, String, String, String))') AS steps,
    -- The event of each step; a step that comes of a receipt has no source and id.
    CAST(l.events, 'Array(Tuple(Date32, String, String))') AS events,
    CAST(arrayMap(
        r -> (r.received_on, r.known_on, r.quantity, r.receipt_no, r.received_at), l.receipts),
        'Array(Tuple(Date32, Date32, Decimal(38, 6), String, DateTime64(6, \'UTC\')))') AS receipts,
    CAST(arrayMap(
        r -> (r.returned_on, r.known_on, r.quantity, r.returned_at), l.returns),
        'Array(Tuple(Date32, Date32, Decimal(38, 6), DateTime64(6, \'UTC\')))') AS returns
FROM order_line_facts AS l FINAL
WHERE l.rules = {rules:UInt64} AND l.supplier_id = {supplier:String}
    AND (l.buyer_id, l.order_no, l.line_no) IN (
        SELECT arrayJoin(JSONExtract({lines:String}, 'Array(Tuple(String, String, String))')))
