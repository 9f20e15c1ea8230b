-- Which suppliers exist (of some buyers, or all), who are they, and who buys from them?
SELECT *, count() OVER () AS total
FROM ($suppliers_of_buyers)
WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
    AND ({cluster:String} = '' OR ifNull(cluster, '') = {cluster:String})
ORDER BY supplier_id
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
