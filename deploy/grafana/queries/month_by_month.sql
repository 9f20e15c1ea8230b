-- What were the main ratios of all that is chosen at each month end?
SELECT toDateTime(as_of, '${zone}') AS time, title, value
FROM grafana_figures(
    by = '', @selected,
    @at_month_ends)
WHERE kpi IN ('otif', 'fill_rate', 'lot_acceptance', 'confirmation_in_time')
ORDER BY time, place
