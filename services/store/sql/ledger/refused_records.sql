-- Which records were refused since a time: from whom, on which day, why, and are they dealt with?
-- Of these senders; empty = all. Dealt with: replayed or dismissed.
SELECT
    id, sender, reason, toDate(accepted_at, {zone:String}) AS day, event_source, event_id,
    isNotNull(replayed_at) AS dealt_with
FROM rejected FINAL
WHERE accepted_at >= {since:DateTime64(3)}
    AND (empty({senders:Array(String)}) OR sender IN {senders:Array(String)})
ORDER BY accepted_at, id
