-- The delivery figures of each supplier over the window, as sums that add up over suppliers.
WITH facts AS
    (
        SELECT
            *,
            matured AND window_date >= {from:Date32} AS judged,
            requested_matured AND requested_window_date >= {from:Date32} AS judged_requested
        FROM line_facts(
            suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)},
            as_of = {as_of:Date32}, zone = {zone:String}, late_days = {late_days:Int32},
            early_days = {early_days:Int32}, notice_days = {notice_days:Int32},
            under = {under:Decimal(9, 6)}, over = {over:Decimal(9, 6)})
    )
SELECT
    supplier_id,
    countIf(judged) AS lines,
    countIf(judged AND on_time_in_full) AS otif,
    countIf(judged_requested) AS lines_requested,
    countIf(judged_requested AND on_time_in_full_requested) AS otif_requested,
    sumIf(ordered, judged) AS ordered_quantity,
    sumIf(on_time_quantity, judged) AS on_time_quantity,
    sumIf(filled, judged) AS filled_quantity,
    sumIf(quantity_days_late, judged) AS quantity_days_late,
    groupUniqArrayIf(assumeNotNull(uom), judged AND isNotNull(uom)) AS units
FROM facts
GROUP BY supplier_id
