-- What is one figure of all that is chosen, over the period?
SELECT value
FROM grafana_figures(
    by = '', @selected,
    @in_period)
WHERE kpi = '@kpi'
