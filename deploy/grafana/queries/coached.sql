-- How many suppliers were coached in the period?
SELECT uniqExact(supplier_id) AS coached
FROM grafana_coaching(
    since = @since,
    as_of = @as_of,
    window_days = 90,
    @selected)
