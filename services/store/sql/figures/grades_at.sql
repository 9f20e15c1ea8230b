-- Which grade was published of each supplier at a date ('' = none)?
SELECT supplier_id, argMax(JSONExtractString(summary, 'published'), computed_at) AS published
FROM standings
WHERE policy = {policy:UInt64} AND as_of = {as_of:Date32}
GROUP BY supplier_id
