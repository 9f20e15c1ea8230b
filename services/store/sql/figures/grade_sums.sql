-- What do the parts from which a grade is computed add up to at each of these dates?
-- As figure_sums, with fewer families and without what a grade does not need: buyers, cases.
SELECT
    supplier_id,
    as_of,
    part_family AS family,
    if(part_family IN ('due', 'received', 'inspected'), part_label, '') AS label,
    count() AS n,
    sum(part_a) AS a,
    sum(part_b) AS b,
    sum(part_c) AS c,
    sum(part_d) AS d,
    sum(part_e) AS e,
    sum(part_f) AS f,
    sum(part_g) AS g,
    groupUniqArrayIf(toYYYYMM(part_day), part_family = 'due') AS months
FROM ($counted_parts)
GROUP BY supplier_id, as_of, family, label
