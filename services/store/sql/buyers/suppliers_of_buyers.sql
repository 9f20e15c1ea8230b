-- Which suppliers exist (of some buyers, or all), who are they, and who buys from them?
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
        SELECT partner_id FROM registered
        WHERE role = 'supplier' AND empty({buyers:Array(String)})
    )
SELECT
    k.supplier_id AS supplier_id,
    nullIf(r.name, '') AS name,
    r.province AS province,
    r.regency AS regency,
    r.cluster AS cluster,
    r.sector AS sector,
    t.buyers AS buyers
FROM known AS k
LEFT JOIN registered AS r ON r.partner_id = k.supplier_id
LEFT JOIN traded AS t USING (supplier_id)
