-- From which day on does anything of each of these suppliers count?
SELECT supplier_id, min(arrayMin(arrayConcat(parts.since, [toDate32('2299-12-31')]))) AS first
FROM figure_parts
WHERE rules = {rules:UInt64}
    AND (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
    AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
GROUP BY supplier_id
