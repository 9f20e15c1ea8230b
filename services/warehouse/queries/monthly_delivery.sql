-- How did one supplier deliver, month by month of due + late, as T sees it?
SELECT
    toStartOfMonth(window_date) AS month,
    count() AS lines,
    countIf(on_time_in_full) AS otif,
    sum(ordered) AS ordered_quantity,
    sum(on_time_quantity) AS on_time_quantity,
    sum(quantity_days_late) AS quantity_days_late
FROM line_facts(
    suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)}, as_of = {as_of:Date32},
    zone = {zone:String}, late_days = {late_days:Int32}, early_days = {early_days:Int32},
    notice_days = {notice_days:Int32}, under = {under:Decimal(9, 6)}, over = {over:Decimal(9, 6)})
WHERE matured AND window_date >= toStartOfMonth({as_of:Date32} - INTERVAL 12 MONTH)
GROUP BY month
ORDER BY month
