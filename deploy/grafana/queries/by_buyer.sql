-- What are the main figures of the supplier for each of its buyers?
SELECT
    part_of AS "Buyer",
    title AS "Figure",
    value AS "Value",
    unit AS "Unit",
    numerator AS "Numerator",
    denominator AS "Denominator",
    low AS "Low 95 %",
    high AS "High 95 %"
FROM grafana_figures(
    by = 'buyer', @selected,
    @in_period)
WHERE kpi IN ('otif', 'lot_acceptance', 'ppm', 'mean_days_late')
ORDER BY part_of, place
