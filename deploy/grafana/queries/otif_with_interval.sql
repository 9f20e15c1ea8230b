-- What was on time in full at each month end, and between what does the true ratio lie?
SELECT toDateTime(as_of, '${zone}') AS time, value AS "on time in full", low, high
FROM grafana_figures(
    by = '', @selected,
    @at_month_ends)
WHERE kpi = 'otif'
ORDER BY time
