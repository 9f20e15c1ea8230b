-- How many suppliers of each cluster have each published grade?
SELECT
    cluster AS "Cluster",
    countIf(published = 'A') AS "A",
    countIf(published = 'B') AS "B",
    countIf(published = 'C') AS "C",
    countIf(published = 'D') AS "D",
    countIf(published = '') AS "none yet"
FROM grafana_standings(
    as_of = @as_of,
    suppliers = [${supplier:singlequote}],
    clusters = [${cluster:singlequote}])
GROUP BY cluster
ORDER BY cluster
