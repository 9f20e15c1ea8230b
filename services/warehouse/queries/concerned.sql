-- Which orders do these receipts and returns name in any of their versions, and which receipts name
-- these despatch advices?
SELECT DISTINCT supplier_id, buyer_id, 'order' AS kind, order_no AS number
FROM receipt_lines
WHERE $receipts
UNION DISTINCT
SELECT DISTINCT supplier_id, buyer_id, 'order', order_no
FROM return_lines
WHERE $returns
UNION DISTINCT
SELECT DISTINCT supplier_id, buyer_id, 'receipt', receipt_no
FROM
(
    SELECT supplier_id, buyer_id, receipt_no, ifNull(despatch_no, '') AS despatch_no
    FROM receipt_lines
)
WHERE $despatches
