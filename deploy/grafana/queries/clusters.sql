-- What are the main figures of each cluster, over the period?
SELECT
    part_of AS "Cluster",
    anyIf(denominator, kpi = 'otif') AS "Lines due",
    anyIf(value, kpi = 'otif') AS "On time in full",
    anyIf(value, kpi = 'fill_rate') AS "Quantity delivered",
    anyIf(denominator, kpi = 'lot_acceptance') AS "Lots",
    anyIf(value, kpi = 'lot_acceptance') AS "Lots accepted",
    anyIf(value, kpi = 'mean_days_late') AS "Days late",
    anyIf(value, kpi = 'ppm') AS "Rejects per million",
    anyIf(value, kpi = 'complaint_response') AS "Complaint steps in time",
    anyIf(value, kpi = 'line_stops') AS "Line stops"
FROM grafana_figures(
    by = 'cluster', @selected,
    @in_period)
GROUP BY part_of
ORDER BY "On time in full" DESC NULLS LAST, part_of
