-- What are the figures of the supplier that add up over nobody?
SELECT title AS "Figure", value AS "Value", unit AS "Unit"
FROM grafana_times(as_of = @as_of, suppliers = [${supplier:singlequote}])
ORDER BY title
