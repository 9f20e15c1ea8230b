-- Are there facts of a supplier with one of these buyers (empty = any)? No row = no.
SELECT 1 AS found
FROM fold_marks
WHERE rules = {rules:UInt64} AND supplier_id = {supplier:String} AND buyer_id != ''
    AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
LIMIT 1
