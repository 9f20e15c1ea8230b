-- How do these suppliers (empty = all) stand at a date, as far as what was kept is not stale?
SELECT supplier_id, summary
FROM ($fresh_standings)
