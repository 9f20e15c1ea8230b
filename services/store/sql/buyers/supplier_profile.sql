-- Who is a supplier, who buys from it, and what was certified and declared about it?
-- Only these buyers (empty = all), with their names. Certificates and capacities are in the order in
-- which they were sent.
WITH
    buyer_ids AS
    (
        -- A fold leaves a mark for each buyer that ordered, received, inspected or complained.
        SELECT buyer_id
        FROM fold_marks
        WHERE rules = {rules:UInt64} AND supplier_id = {supplier:String} AND buyer_id != ''
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
        UNION DISTINCT
        SELECT buyer_id
        FROM partnerships
        WHERE supplier_id = {supplier:String}
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
    )
SELECT
    (
        -- A later registration replaces the earlier one.
        SELECT argMax(
            [name, ifNull(province, ''), ifNull(regency, ''), ifNull(cluster, ''), ifNull(sector, '')],
            (time, event_id, source))
        FROM partners
        WHERE partner_id = {supplier:String}
    ) AS registered,
    (SELECT arraySort(groupUniqArray(toString(buyer_id))) FROM buyer_ids) AS buyers,
    (
        SELECT groupArray((partner_id, name))
        FROM
        (
            SELECT partner_id, argMax(name, (time, event_id, source)) AS name
            FROM partners
            WHERE partner_id IN (SELECT toString(buyer_id) FROM buyer_ids)
            GROUP BY partner_id
        )
    ) AS names,
    (
        SELECT arrayMap(x -> x.2, arraySort(groupArray((
            (time, event_id),
            (certificate, ifNull(number, ''), ifNull(issuer, ''), valid_from, valid_to)))))
        FROM certificates FINAL
        WHERE supplier_id = {supplier:String}
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)} OR buyer_id = '')
    ) AS certificates,
    (
        SELECT arrayMap(x -> x.2, arraySort(groupArray((
            (time, event_id),
            (process, ifNull(uom, ''), valid_from, quantity_per_month, items)))))
        FROM capacities FINAL
        WHERE supplier_id = {supplier:String}
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)} OR buyer_id = '')
    ) AS capacities
