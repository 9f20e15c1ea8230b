-- Which of these inserts are known to be complete in all derived tables?
SELECT DISTINCT batch FROM batches WHERE batch IN {batches:Array(UUID)}
