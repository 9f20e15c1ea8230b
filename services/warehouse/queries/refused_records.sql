-- Which records were refused since then, by whom they were sent, on which day, and why?
SELECT id, sender, reason, toDate(accepted_at, {zone:String}) AS day, event_source, event_id
FROM rejected FINAL
WHERE accepted_at >= {since:DateTime64(3)}
