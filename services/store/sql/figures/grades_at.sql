-- Which grade of each supplier was published at a date ('' = none)?
SELECT supplier_id, argMax(JSONExtractString(summary, 'published'), computed_at) AS published
FROM standings
WHERE policy = {policy:UInt64} AND as_of = {as_of:Date32}
GROUP BY supplier_id
