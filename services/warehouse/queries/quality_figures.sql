-- The quality figures of each supplier over the window, as sums that add up over suppliers.
WITH
    units AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no,
            argMax(uom, (revision, time, event_id, source)) AS uom
        FROM order_versions
        WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
            AND toDate32(time, {zone:String}) < {as_of:Date32}
        GROUP BY supplier_id, buyer_id, order_no, line_no
    ),
    counted AS
    (
        SELECT
            supplier_id, quantity AS received, 0::Decimal(38, 6) AS rejected, 0 AS inspections,
            0 AS accepted, ifNull(u.uom, '') AS unit
        FROM receipts_at(
            suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)},
            as_of = {as_of:Date32}, zone = {zone:String}) AS r
        LEFT JOIN units AS u USING (supplier_id, buyer_id, order_no, line_no)
        WHERE received_on >= {from:Date32} AND quantity > 0
        UNION ALL
        SELECT
            supplier_id, 0, quantity_rejected, 1, disposition = 'accepted', ''
        FROM inspections_at(
            suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)},
            as_of = {as_of:Date32}, zone = {zone:String})
        WHERE inspected_on >= {from:Date32}
        UNION ALL
        -- A complaint that repeats what an inspection found is counted there.
        SELECT
            supplier_id, 0, quantity, 0, 0, ''
        FROM complaints_at(
            suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)},
            as_of = {as_of:Date32}, zone = {zone:String})
        WHERE opened_on >= {from:Date32} AND isNull(inspection_no)
    )
SELECT
    supplier_id,
    sum(received) AS received_quantity,
    sum(rejected) AS rejected_quantity,
    sum(inspections) AS inspections,
    sum(accepted) AS accepted,
    groupUniqArrayIf(unit, unit != '') AS units
FROM counted
GROUP BY supplier_id
