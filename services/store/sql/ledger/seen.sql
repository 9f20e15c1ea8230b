-- Which of these events ([[source, id], ...] as JSON) does the ledger have, with what content, from
-- which inserts?
SELECT source, id, argMin(content, stored_at) AS content, groupUniqArray(batch) AS batches
FROM events
WHERE (source, id) IN (
    SELECT arrayJoin(JSONExtract($keys, 'Array(Tuple(String, String))')) AS key
)
GROUP BY source, id
