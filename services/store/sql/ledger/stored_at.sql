-- When was each of these events ([[source, id], ...] as JSON) accepted?
SELECT source, id, argMin(accepted_at, stored_at) AS accepted_at
FROM events
WHERE (source, id) IN (
    SELECT arrayJoin(JSONExtract($keys, 'Array(Tuple(String, String))')) AS key
)
GROUP BY source, id
