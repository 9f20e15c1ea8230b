-- How many events of each sender and day of acceptance does the ledger hold?
SELECT sender, toDate(accepted_at, {zone:String}) AS day, uniqExact(source, id) AS events
FROM events
WHERE accepted_at >= {since:DateTime64(3)}
GROUP BY sender, day
ORDER BY sender, day
