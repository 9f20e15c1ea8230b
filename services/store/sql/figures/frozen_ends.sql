-- Which month ends of each supplier are frozen?
SELECT supplier_id, groupUniqArray(as_of) AS ends
FROM evaluations
GROUP BY supplier_id
