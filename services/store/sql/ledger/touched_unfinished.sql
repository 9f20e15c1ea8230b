-- Whom do inserts concern that are not marked complete: under way, cut off, or refused and forgotten?
SELECT batch, groupUniqArray(supplier_id) AS suppliers
FROM touched
WHERE batch NOT IN (SELECT batch FROM batches)
GROUP BY batch
