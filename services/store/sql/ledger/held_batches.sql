-- Which of these inserts does the ledger hold? One that was refused left nothing.
SELECT DISTINCT batch FROM events WHERE batch IN {batches:Array(UUID)}
