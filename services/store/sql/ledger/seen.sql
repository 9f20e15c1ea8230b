-- Which of these events ([[source, id], ...] as JSON) does the ledger hold?
-- With the digest of the content that was stored first, and the batches that wrote the event.
SELECT source, id, argMin(content, stored_at) AS content, groupUniqArray(batch) AS batches
FROM events
WHERE (source, id) IN (
    SELECT arrayJoin(JSONExtract($keys, 'Array(Tuple(String, String))')) AS key
)
GROUP BY source, id
