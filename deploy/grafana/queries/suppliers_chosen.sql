-- How many suppliers are chosen?
SELECT count() AS suppliers
FROM grafana_suppliers(buyers = [${buyer:singlequote}])
WHERE ([${cluster:singlequote}] = [''] OR cluster IN (${cluster:singlequote}))
    AND ([${supplier:singlequote}] = [''] OR supplier_id IN (${supplier:singlequote}))
