-- Which of these events (source and id, side by side) does the ledger have?
SELECT DISTINCT source, id
FROM events
WHERE (source, id) IN (
    SELECT arrayJoin(arrayZip({sources:Array(String)}, {ids:Array(String)})) AS key
)
