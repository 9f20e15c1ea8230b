-- What did a source send last, and does each event count yet?
-- An event counts once its batch is complete in every table behind the ledger.
SELECT
    id,
    argMin((type, time, data), stored_at) AS first,
    max(batch IN (SELECT batch FROM batches)) AS counted
FROM events
WHERE source = {source:String}
GROUP BY id
ORDER BY first.2 DESC, id
LIMIT {limit:UInt32}
