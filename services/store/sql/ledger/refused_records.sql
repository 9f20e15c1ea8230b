-- Which records were refused since then, by whom they were sent, on which day, why, and were they
-- sent in again? Of some senders, or (none named) of all.
SELECT
    id, sender, reason, toDate(accepted_at, {zone:String}) AS day, event_source, event_id,
    isNotNull(replayed_at) AS dealt_with
FROM rejected FINAL
WHERE accepted_at >= {since:DateTime64(3)}
    AND (empty({senders:Array(String)}) OR sender IN {senders:Array(String)})
ORDER BY accepted_at, id
