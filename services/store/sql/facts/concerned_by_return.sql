-- Which orders does any version of the returns name that these batches touch?
-- They are recorded as touched by one of the batches.
INSERT INTO touched
SELECT DISTINCT {batch:UUID}, supplier_id, buyer_id, 'order', order_no, now()
FROM return_lines
WHERE $which
