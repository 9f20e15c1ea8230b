-- What else do these inserts concern: the orders that their receipts and returns name in any version,
-- and the receipts that name their despatch advices? It is noted under one of them.
INSERT INTO touched
WITH
    documents AS
    (
        SELECT supplier_id, buyer_id, kind, number
        FROM touched
        WHERE batch IN {batches:Array(UUID)}
    )
SELECT DISTINCT {batch:UUID}, supplier_id, buyer_id, 'order', order_no, now()
FROM receipt_lines
WHERE (supplier_id, buyer_id, receipt_no) IN (
    SELECT supplier_id, buyer_id, number FROM documents WHERE kind = 'receipt')
UNION ALL
SELECT DISTINCT {batch:UUID}, supplier_id, buyer_id, 'order', order_no, now()
FROM return_lines
WHERE (supplier_id, buyer_id, return_no) IN (
    SELECT supplier_id, buyer_id, number FROM documents WHERE kind = 'return')
UNION ALL
SELECT DISTINCT {batch:UUID}, supplier_id, buyer_id, 'receipt', receipt_no, now()
FROM receipt_lines
WHERE (supplier_id, buyer_id, ifNull(despatch_no, '')) IN (
    SELECT supplier_id, buyer_id, number FROM documents WHERE kind = 'despatch')
