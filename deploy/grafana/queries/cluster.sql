-- Which clusters have suppliers of the buyers chosen?
SELECT DISTINCT cluster
FROM grafana_suppliers(buyers = [${buyer:singlequote}])
ORDER BY cluster
