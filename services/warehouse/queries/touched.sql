-- Which documents do these inserts concern?
SELECT DISTINCT supplier_id, buyer_id, kind, number
FROM touched
WHERE batch IN {batches:Array(UUID)}
