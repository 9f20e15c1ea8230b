-- Which receipts depend on the despatch advices that these batches touch?
-- Those that name such an advice, and those that name no advice but an order line of such an advice.
-- They are recorded as touched by one of the batches.
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
