-- What was announced last of each supplier, and how did it stand then?
SELECT a.supplier_id AS supplier_id, max(a.number) AS number, argMax(a.state, a.number) AS state
FROM announcements AS a
GROUP BY a.supplier_id
