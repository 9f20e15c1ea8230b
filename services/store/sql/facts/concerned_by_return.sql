-- Which orders do the returns that these inserts concern name, in any version? It is noted under one
-- of them.
INSERT INTO touched
SELECT DISTINCT {batch:UUID}, supplier_id, buyer_id, 'order', order_no, now()
FROM return_lines
WHERE $which
