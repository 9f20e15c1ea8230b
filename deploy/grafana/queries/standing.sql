-- How does the supplier stand?
SELECT
    name AS "Name",
    cluster AS "Cluster",
    score AS "Score",
    at_as_of AS "At",
    published AS "Published",
    gates AS "Held by",
    weakest_pillar AS "Weakest pillar",
    matured_lines AS "Lines judged",
    arrayStringConcat(
        arrayMap(
            (assessor, stage) -> concat(assessor, ': ', stage), mapKeys(stages), mapValues(stages)),
        ', ') AS "Stage"
FROM grafana_standings(as_of = @as_of, suppliers = [${supplier:singlequote}], clusters = [])
