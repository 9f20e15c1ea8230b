-- What is the present mark of each supplier's facts?
-- Any fold of facts of a supplier changes it.
SELECT supplier_id, sum(mark) AS mark
FROM fold_marks
WHERE rules = {rules:UInt64}
    AND (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
    AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)} OR buyer_id = '')
GROUP BY supplier_id
