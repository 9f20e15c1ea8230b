-- How many suppliers had their first coaching of the period in each month?
SELECT
    toDateTime(toStartOfMonth(held_on), '${zone}') AS time,
    topic,
    uniqExact(supplier_id) AS suppliers
FROM grafana_coaching(
    since = @since,
    as_of = @as_of,
    window_days = 90,
    @selected)
GROUP BY time, topic
ORDER BY time, topic
