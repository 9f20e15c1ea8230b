-- Which of these events (source and id, side by side) does the ledger have, with what content, from
-- which inserts?
SELECT source, id, argMin(content, stored_at) AS content, groupUniqArray(batch) AS batches
FROM events
WHERE (source, id) IN (
    SELECT arrayJoin(arrayZip({sources:Array(String)}, {ids:Array(String)})) AS key
)
GROUP BY source, id
