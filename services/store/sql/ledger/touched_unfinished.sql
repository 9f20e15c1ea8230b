-- Which suppliers do batches touch that are not marked complete?
-- Such a batch is in progress, was cut off, or was refused and deleted from the ledger.
SELECT batch, groupUniqArray(supplier_id) AS suppliers
FROM touched
WHERE batch NOT IN (SELECT batch FROM batches)
GROUP BY batch
