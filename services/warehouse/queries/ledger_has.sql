-- On which day did the ledger accept these events of one source? Those not named are missing.
SELECT id, toDate(min(accepted_at), {zone:String}) AS day
FROM events
WHERE source = {source:String} AND id IN {ids:Array(String)}
GROUP BY id
