-- What do the parts of each supplier's figures add up to, at each of the dates asked for?
-- One family of parts is one row; families whose parts count at any age have no window, the backlog
-- looks ahead, the value received has a window of its own. What adds up over suppliers is summed.
-- Each part is set beside the dates at which it counts, not beside all of them. Days are compared
-- as numbers: a date before 1900 can't be told from others.
SELECT
    $select,
    as_of,
    part_family AS family,
    if(part_family IN ('due', 'received', 'backlog', 'value'), part_label, '') AS label,
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
FROM
(
    SELECT
        supplier_id, buyer_id, kind, number, line_no, part_family, part_label, part_day,
        part_since, part_until, part_a, part_b, part_c, part_d, part_e, part_f, part_g
    FROM figure_parts FINAL
    ARRAY JOIN
        parts.family AS part_family,
        parts.label AS part_label,
        parts.day AS part_day,
        parts.since AS part_since,
        parts.until AS part_until,
        parts.a AS part_a,
        parts.b AS part_b,
        parts.c AS part_c,
        parts.d AS part_d,
        parts.e AS part_e,
        parts.f AS part_f,
        parts.g AS part_g
    WHERE rules = {rules:UInt64}
        AND (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
        AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
)
ARRAY JOIN
    arrayFilter(
        day -> part_since < day AND day <= part_until
            AND toInt32(part_day) - toInt32(day)
                < if(part_family = 'backlog', {capacity_days:Int32}, 0)
            AND (
                part_family IN ('overdue', 'orphan', 'backlog', 'open', 'undone')
                OR toInt32(day) - toInt32(part_day) <= if(
                    part_family = 'value', {concentration_days:Int32}, {window_days:Int32})),
        {as_ofs:Array(Date32)}) AS as_of
GROUP BY $group, as_of, family, label, buyer
