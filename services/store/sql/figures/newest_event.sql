-- What is the time of the newest order, receipt or inspection of these suppliers and buyers?
-- Empty = all.
SELECT maxOrNull(time) AS newest
FROM
(
    SELECT time
    FROM order_versions
    WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
        AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
    UNION ALL
    SELECT time
    FROM receipt_lines
    WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
        AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
    UNION ALL
    SELECT time
    FROM inspections
    WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
        AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
)
