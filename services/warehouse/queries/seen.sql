-- Which of these event ids of one source does the ledger have, with what content, from which insert?
SELECT id, argMin(content, stored_at) AS content, argMin(batch, stored_at) AS batch
FROM events
WHERE source = {source:String} AND id IN {ids:Array(String)}
GROUP BY id
