-- Which receipts, returns, inspections and complaints name the orders that these batches touch?
-- Any version of them counts: they are counted in the unit of the order's lines, from the first
-- version of the order on. They are recorded as touched by one of the batches.
INSERT INTO touched
SELECT DISTINCT {batch:UUID}, supplier_id, buyer_id, kind, number, now()
FROM
(
    SELECT supplier_id, buyer_id, order_no, 'receipt' AS kind, receipt_no AS number FROM receipt_lines
    UNION ALL
    SELECT supplier_id, buyer_id, order_no, 'return', return_no FROM return_lines
    UNION ALL
    SELECT supplier_id, buyer_id, order_no, 'inspection', inspection_no FROM inspections
    UNION ALL
    SELECT supplier_id, buyer_id, ifNull(order_no, ''), 'complaint', complaint_no FROM complaints
)
WHERE $which
