-- What do the parts of each supplier's figures add up to at each of these dates?
-- One row for each family of parts, and for its labels and buyers where those matter. What can be added
-- over suppliers is summed.
SELECT
    $select,
    as_of,
    part_family AS family,
    if(part_family IN ('due', 'received', 'inspected', 'backlog', 'value'), part_label, '') AS label,
    if(part_family = 'value', buyer_id, '') AS buyer,
    count() AS n,
    sum(part_a) AS a,
    sum(part_b) AS b,
    sum(part_c) AS c,
    sum(part_d) AS d,
    sum(part_e) AS e,
    sum(part_f) AS f,
    sum(part_g) AS g,
    sumIf(toDecimal256(part_a, 6) * toDecimal256(part_b, 6), part_family = 'value') AS value,
    groupUniqArrayIf(toYYYYMM(part_day), part_family = 'due') AS months,
    groupArrayIf(part_a, part_family IN ('asked', 'completed')) AS cases$worst
FROM ($counted_parts)
GROUP BY $group, as_of, family, label, buyer
