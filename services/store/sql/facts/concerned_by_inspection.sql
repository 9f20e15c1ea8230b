-- Which other inspections share a line of a receipt with those that these inserts concern? Together
-- they reject no more than came. It is noted under one of the inserts.
INSERT INTO touched
SELECT DISTINCT {batch:UUID}, supplier_id, buyer_id, 'inspection', inspection_no, now()
FROM inspections
WHERE isNotNull(receipt_no)
    AND (supplier_id, buyer_id, order_no, line_no, receipt_no) IN (
        SELECT supplier_id, buyer_id, order_no, line_no, receipt_no
        FROM inspections
        WHERE isNotNull(receipt_no) AND $which)
