-- Which orders, inspections and complaints depend on the receipts that these batches touch?
-- The orders that any version of such a receipt names, the inspections that name a receipt and a line
-- of one of those orders, and the complaints that name one of those orders. They are recorded as
-- touched by one of the batches.
INSERT INTO touched
WITH orders AS
    (
        SELECT DISTINCT supplier_id, buyer_id, order_no
        FROM receipt_lines
        WHERE $which
    )
SELECT DISTINCT {batch:UUID}, supplier_id, buyer_id, kind, number, now()
FROM
(
    SELECT supplier_id, buyer_id, 'order' AS kind, order_no AS number FROM orders
    UNION ALL
    SELECT supplier_id, buyer_id, 'inspection', inspection_no
    FROM inspections
    WHERE isNotNull(receipt_no)
        AND (supplier_id, buyer_id, order_no) IN (SELECT supplier_id, buyer_id, order_no FROM orders)
    UNION ALL
    SELECT supplier_id, buyer_id, 'complaint', complaint_no
    FROM complaints
    WHERE (supplier_id, buyer_id, ifNull(order_no, '')) IN (
        SELECT supplier_id, buyer_id, order_no FROM orders)
)
