-- How many documents of each kind do these batches touch?
SELECT kind, count() AS documents
FROM touched
WHERE batch IN {batches:Array(UUID)}
GROUP BY kind
