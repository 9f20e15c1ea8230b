-- Which of these events ([[source, id], ...] as JSON) does the ledger hold, in complete batches only?
SELECT DISTINCT source, id
FROM events
WHERE (source, id) IN (
    SELECT arrayJoin(JSONExtract($keys, 'Array(Tuple(String, String))')) AS key
)
    AND batch IN (SELECT batch FROM batches)
