-- Which suppliers are in the clusters chosen? The value, and what is shown.
SELECT supplier_id, concat(name, ' (', supplier_id, ')') AS named
FROM grafana_suppliers(buyers = [${buyer:singlequote}])
WHERE [${cluster:singlequote}] = [''] OR cluster IN (${cluster:singlequote})
ORDER BY named
