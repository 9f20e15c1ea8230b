-- How many events of each sender and day of acceptance are stored, in complete batches only?
-- Of these senders; empty = all.
SELECT sender, toDate(accepted_at, {zone:String}) AS day, uniqExact(source, id) AS events
FROM events
WHERE accepted_at >= {since:DateTime64(3)} AND batch IN (SELECT batch FROM batches)
    AND (empty({senders:Array(String)}) OR sender IN {senders:Array(String)})
GROUP BY sender, day
ORDER BY sender, day
