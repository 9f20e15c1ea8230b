-- Which figures have a numerator and a denominator? The value, and what is shown.
SELECT kpi, title
FROM grafana_kpis
WHERE unit != 'count'
ORDER BY place
