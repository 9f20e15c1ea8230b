-- Which of these events ([[source, id], ...] as JSON) were refused, why, and when last?
-- Events that were replayed or dismissed since are left out.
SELECT event_source AS source, event_id AS id, argMax(errors, rejected_at) AS errors,
    toUnixTimestamp64Milli(max(rejected_at)) AS rejected_ms
FROM rejected FINAL
WHERE reason != 'conflict' AND isNull(replayed_at) AND (event_source, event_id) IN (
    SELECT arrayJoin(JSONExtract($keys, 'Array(Tuple(String, String))')) AS key
)
GROUP BY source, id
