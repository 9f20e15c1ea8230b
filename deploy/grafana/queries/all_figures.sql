-- What is every figure of all that is chosen, over the period, and what is it made of?
SELECT
    title AS "Figure",
    value AS "Value",
    unit AS "Unit",
    numerator AS "Numerator",
    denominator AS "Denominator",
    low AS "Low 95 %",
    high AS "High 95 %",
    if(mixed_units, 'yes', '') AS "Units mixed"
FROM grafana_figures(
    by = '', @selected,
    @in_period)
ORDER BY place
