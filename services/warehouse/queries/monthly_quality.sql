-- What was received, rejected and inspected of one supplier, month by month, as T sees it?
-- The sums of quality_figures, by the month of the receipt, inspection or complaint.
WITH counted AS
    (
        SELECT
            toStartOfMonth(received_on) AS month, quantity AS received,
            0::Decimal(38, 6) AS rejected, 0 AS inspections, 0 AS accepted
        FROM receipts_at(
            suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)},
            as_of = {as_of:Date32}, zone = {zone:String})
        WHERE quantity > 0
        UNION ALL
        SELECT
            toStartOfMonth(inspected_on), 0, quantity_rejected, 1, disposition = 'accepted'
        FROM inspections_at(
            suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)},
            as_of = {as_of:Date32}, zone = {zone:String})
        UNION ALL
        -- A complaint that repeats what an inspection found is counted there.
        SELECT
            toStartOfMonth(opened_on), 0, quantity, 0, 0
        FROM complaints_at(
            suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)},
            as_of = {as_of:Date32}, zone = {zone:String})
        WHERE isNull(inspection_no)
    )
SELECT
    month,
    sum(received) AS received_quantity,
    sum(rejected) AS rejected_quantity,
    sum(inspections) AS inspections,
    sum(accepted) AS accepted
FROM counted
WHERE month >= toStartOfMonth({as_of:Date32} - INTERVAL 12 MONTH)
GROUP BY month
ORDER BY month
