-- Which buyers are there? The value, and what is shown.
SELECT buyer_id, name
FROM grafana_buyers
ORDER BY name
