-- What do the parts of many suppliers' figures add up to, at a day and at month ends before it?
-- Rows as figure_sums has them: at {at} of all that a group's figures and its suppliers' stages
-- are made of, at the other dates of what a grade is made of. Each part is set beside the dates at
-- which it counts, not beside all of them: there are as many as a supplier has months.
SELECT
    supplier_id,
    as_of,
    part_family AS family,
    if(as_of = {at:Date32} AND part_family IN ('due', 'received', 'value'), part_label, '')
        AS label,
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
    CAST([], 'Array(Decimal(38, 6))') AS cases
FROM
(
    SELECT
        supplier_id, buyer_id, part_family, part_label, part_day, part_since, part_until,
        part_a, part_b, part_c, part_d, part_e, part_f, part_g
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
        AND part_family NOT IN ('completed', 'backlog')
)
ARRAY JOIN
    arrayFilter(
        day -> part_since < day AND day <= part_until
            AND part_day < day
            AND (
                part_family IN ('overdue', 'orphan', 'open', 'undone')
                -- As numbers: a date before 1900 can't be told from others.
                OR toInt32(day) - toInt32(part_day) <= if(
                    part_family = 'value', {concentration_days:Int32}, {window_days:Int32}))
            AND (
                day = {at:Date32}
                OR part_family NOT IN ('overdue', 'orphan', 'open', 'retroactive', 'value')),
        {as_ofs:Array(Date32)}) AS as_of
GROUP BY supplier_id, as_of, family, label, buyer
