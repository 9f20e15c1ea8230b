-- What are the main figures of each supplier, over the period, and what are they made of?
SELECT
    part_of AS "Supplier",
    anyIf(numerator, kpi = 'otif') AS "On time in full",
    anyIf(denominator, kpi = 'otif') AS "of lines due",
    anyIf(value, kpi = 'otif') AS "On time in full %",
    anyIf(numerator, kpi = 'lot_acceptance') AS "Lots accepted",
    anyIf(denominator, kpi = 'lot_acceptance') AS "of lots",
    anyIf(value, kpi = 'lot_acceptance') AS "Lots accepted %",
    anyIf(numerator, kpi = 'confirmation_in_time') AS "Answered in time",
    anyIf(denominator, kpi = 'confirmation_in_time') AS "of lines asked",
    anyIf(value, kpi = 'confirmation_in_time') AS "Answered in time %",
    anyIf(value, kpi = 'mean_days_late') AS "Days late",
    anyIf(value, kpi = 'ppm') AS "Rejects per million",
    anyIf(value, kpi = 'overdue_lines') AS "Overdue lines"
FROM grafana_figures(
    by = 'supplier', @selected,
    @in_period)
GROUP BY part_of
ORDER BY part_of
