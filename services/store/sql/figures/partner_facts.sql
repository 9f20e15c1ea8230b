-- Which capacities, assessments and certificates do these suppliers have, in the order of sending?
SELECT supplier_id, kind, name, valid_from, valid_to, numbers, items, unit
FROM
(
    SELECT
        supplier_id, 'capacity' AS kind, process AS name, valid_from,
        CAST(NULL, 'Nullable(Date32)') AS valid_to, [quantity_per_month] AS numbers, items,
        ifNull(uom, '') AS unit, time, event_id
    FROM capacities
    WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
        AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)} OR buyer_id = '')
    UNION ALL
    SELECT
        supplier_id, 'assessment', assessor, assessed_on, NULL,
        arrayConcat([pillars.1, pillars.2, pillars.3], five_r), [], '', time, event_id
    FROM assessments
    WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
        AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)} OR buyer_id = '')
    UNION ALL
    SELECT supplier_id, 'certificate', certificate, valid_from, valid_to, [], [], '', time, event_id
    FROM certificates
    WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
        AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)} OR buyer_id = '')
)
ORDER BY supplier_id, kind, time, event_id
