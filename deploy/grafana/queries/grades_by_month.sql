-- How many suppliers had each published grade at the month ends of the period?
SELECT
    toDateTime(as_of, '${zone}') AS time,
    countIf(published = 'A') AS "A",
    countIf(published = 'B') AS "B",
    countIf(published = 'C') AS "C",
    countIf(published = 'D') AS "D",
    countIf(published = '') AS "none yet"
FROM grafana_evaluations
WHERE as_of >= @since AND as_of <= @as_of
    AND ([${cluster:singlequote}] = [''] OR cluster IN (${cluster:singlequote}))
    AND ([${supplier:singlequote}] = [''] OR supplier_id IN (${supplier:singlequote}))
GROUP BY time
ORDER BY time
