-- Whose published grade is another one than at the month end before?
SELECT
    later.supplier_id AS "Supplier",
    later.name AS "Name",
    later.cluster AS "Cluster",
    earlier.published AS "From",
    later.published AS "To",
    later.gates AS "Held by",
    later.score AS "Score"
FROM grafana_standings(
    as_of = @as_of,
    suppliers = [${supplier:singlequote}],
    clusters = [${cluster:singlequote}]) AS later
INNER JOIN grafana_standings(
    as_of = toDate32(toStartOfMonth(@as_of - 1)),
    suppliers = [${supplier:singlequote}],
    clusters = [${cluster:singlequote}]) AS earlier
    ON earlier.supplier_id = later.supplier_id
WHERE later.published != earlier.published
ORDER BY later.score
