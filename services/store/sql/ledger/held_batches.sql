-- Which of these batches does the ledger hold?
-- A batch that the store refused left nothing.
SELECT DISTINCT batch FROM events WHERE batch IN {batches:Array(UUID)}
