-- How many suppliers does each assessor see at each stage of independence?
SELECT
    assessor AS "Assessor",
    countIf(stage = 'Pemula') AS "Pemula",
    countIf(stage = 'Madya') AS "Madya",
    countIf(stage = 'Pra-Mandiri') AS "Pra-Mandiri",
    countIf(stage = 'Mandiri') AS "Mandiri"
FROM
(
    SELECT arrayJoin(mapKeys(stages)) AS assessor, stages[assessor] AS stage
    FROM grafana_standings(
        as_of = @as_of,
        suppliers = [${supplier:singlequote}],
        clusters = [${cluster:singlequote}])
)
GROUP BY assessor
ORDER BY assessor
