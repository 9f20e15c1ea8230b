-- How do the suppliers that are chosen stand, the lowest score first?
SELECT
    supplier_id AS "Supplier",
    name AS "Name",
    cluster AS "Cluster",
    regency AS "Regency",
    score AS "Score",
    at_as_of AS "At",
    published AS "Published",
    gates AS "Held by",
    weakest_pillar AS "Weakest pillar",
    matured_lines AS "Lines judged"
FROM grafana_standings(
    as_of = @as_of,
    suppliers = [${supplier:singlequote}],
    clusters = [${cluster:singlequote}])
ORDER BY score NULLS LAST, supplier_id
