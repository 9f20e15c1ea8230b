-- What are the summaries of these suppliers (empty = all) at a date, where they are not stale?
SELECT supplier_id, summary
FROM ($fresh_standings)
