-- Which receipts name the despatch advices that these inserts concern, or none at all but an order
-- line that such an advice names? It is noted under one of the inserts.
INSERT INTO touched
SELECT DISTINCT {batch:UUID}, supplier_id, buyer_id, 'receipt', receipt_no, now()
FROM
(
    SELECT supplier_id, buyer_id, receipt_no, ifNull(despatch_no, '') AS despatch_no
    FROM receipt_lines
    WHERE isNotNull(despatch_no)
)
WHERE $which
UNION ALL
SELECT DISTINCT {batch:UUID}, supplier_id, buyer_id, 'receipt', receipt_no, now()
FROM receipt_lines
WHERE isNull(despatch_no)
    AND (supplier_id, buyer_id, order_no, line_no) IN (
        SELECT supplier_id, buyer_id, order_no, line_no FROM despatch_lines WHERE $which)
