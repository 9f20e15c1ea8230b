-- Which of these batches are marked complete in all derived tables?
SELECT DISTINCT batch FROM batches WHERE batch IN {batches:Array(UUID)}
