-- Which batches are in the ledger, but not marked complete in all derived tables?
SELECT batch, toUInt32(count()) AS rows
FROM events
WHERE batch NOT IN (SELECT batch FROM batches)
GROUP BY batch
ORDER BY batch
