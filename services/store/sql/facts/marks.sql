-- By what mark are the facts of these suppliers known now? Any fold of one of them gives another.
SELECT supplier_id, sum(mark) AS mark
FROM fold_marks
WHERE rules = {rules:UInt64}
    AND (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
    AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)} OR buyer_id = '')
GROUP BY supplier_id
