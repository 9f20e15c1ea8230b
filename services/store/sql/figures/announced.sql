-- What is the number of each supplier's last announcement, and which state did it announce?
SELECT a.supplier_id AS supplier_id, max(a.number) AS number, argMax(a.state, a.number) AS state
FROM announcements AS a
GROUP BY a.supplier_id
