-- Which other inspections share a receipt line with the inspections that these batches touch?
-- Together they reject at most what was received, so they are folded together. They are recorded as
-- touched by one of the batches.
INSERT INTO touched
SELECT DISTINCT {batch:UUID}, supplier_id, buyer_id, 'inspection', inspection_no, now()
FROM inspections
WHERE isNotNull(receipt_no)
    AND (supplier_id, buyer_id, order_no, line_no, receipt_no) IN (
        SELECT supplier_id, buyer_id, order_no, line_no, receipt_no
        FROM inspections
        WHERE isNotNull(receipt_no) AND $which)
