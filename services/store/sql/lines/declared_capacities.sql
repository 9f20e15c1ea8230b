-- Which capacity does a supplier declare for each process, in the declaration that begins last?
SELECT process, argMax((valid_from, quantity_per_month, uom, items), (valid_from, time, event_id)) AS v
FROM capacities
WHERE supplier_id = {supplier:String}
GROUP BY process
ORDER BY process
