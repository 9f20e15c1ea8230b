-- Which orders do the receipts that these inserts concern name, in any version? It is noted under
-- one of them.
INSERT INTO touched
SELECT DISTINCT {batch:UUID}, supplier_id, buyer_id, 'order', order_no, now()
FROM receipt_lines
WHERE $which
