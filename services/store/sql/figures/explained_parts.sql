-- Which parts of these families make up a supplier's figure at T, each with its document?
SELECT
    buyer_id, kind, number, line_no, part_family AS family, part_label AS label, part_day AS day,
    part_a AS a, part_b AS b, part_c AS c, part_d AS d, part_e AS e, part_f AS f, part_g AS g
FROM ($counted_parts)
ORDER BY day, buyer_id, kind, number, line_no, family, label
