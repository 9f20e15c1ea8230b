-- Which suppliers are there (of one buyer, or all), who are they, and who buys from them?
WITH
    pairs AS
    (
        SELECT DISTINCT supplier_id, buyer_id FROM order_versions
        UNION DISTINCT
        SELECT DISTINCT supplier_id, buyer_id FROM receipt_lines
        UNION DISTINCT
        SELECT DISTINCT supplier_id, buyer_id FROM inspections
        UNION DISTINCT
        SELECT DISTINCT supplier_id, buyer_id FROM complaints
        UNION DISTINCT
        SELECT DISTINCT supplier_id, buyer_id FROM partnerships
    ),
    registered AS
    (
        -- Registered again = replaced.
        SELECT
            partner_id AS supplier_id,
            argMax(
                tuple(role, name, province, regency, cluster, sector),
                (time, event_id, source)) AS v
        FROM partners
        GROUP BY partner_id
    ),
    traded AS
    (
        SELECT supplier_id, arraySort(groupArray(buyer_id)) AS buyers
        FROM pairs
        WHERE empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)}
        GROUP BY supplier_id
    ),
    known AS
    (
        SELECT supplier_id FROM traded
        UNION DISTINCT
        SELECT supplier_id FROM registered
        WHERE v.1 = 'supplier' AND empty({buyers:Array(String)})
    )
SELECT
    k.supplier_id AS supplier_id,
    nullIf(r.v.2, '') AS name,
    r.v.3 AS province,
    r.v.4 AS regency,
    r.v.5 AS cluster,
    r.v.6 AS sector,
    t.buyers AS buyers,
    count() OVER () AS total
FROM known AS k
LEFT JOIN registered AS r USING (supplier_id)
LEFT JOIN traded AS t USING (supplier_id)
WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
    AND ({cluster:String} = '' OR ifNull(cluster, '') = {cluster:String})
ORDER BY supplier_id
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
