-- What came from a source lately, and does each count: with every table behind it complete?
SELECT
    id,
    argMin((type, time, data), stored_at) AS first,
    max(batch IN (SELECT batch FROM batches)) AS counted
FROM events
WHERE source = {source:String}
GROUP BY id
ORDER BY first.2 DESC, id
LIMIT {limit:UInt32}
