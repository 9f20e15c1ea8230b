-- Which receipts name the despatch advices that these inserts concern? It is noted under one of them.
INSERT INTO touched
SELECT DISTINCT {batch:UUID}, supplier_id, buyer_id, 'receipt', receipt_no, now()
FROM
(
    SELECT supplier_id, buyer_id, receipt_no, ifNull(despatch_no, '') AS despatch_no
    FROM receipt_lines
)
WHERE $which
