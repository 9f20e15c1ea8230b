-- What do the parts add up to that a grade is made of, at each of the dates asked for?
-- As figure_sums, of fewer families and without what a grade does not ask: units, buyers, cases.
SELECT
    supplier_id,
    as_of,
    part_family AS family,
    count() AS n,
    sum(part_a) AS a,
    sum(part_b) AS b,
    sum(part_c) AS c,
    sum(part_d) AS d,
    sum(part_e) AS e,
    sum(part_f) AS f,
    sum(part_g) AS g,
    groupUniqArrayIf(toYYYYMM(part_day), part_family = 'due') AS months
FROM
(
    SELECT
        supplier_id, part_family, part_day, part_since, part_until,
        part_a, part_b, part_c, part_d, part_e, part_f, part_g
    FROM figure_parts FINAL
    ARRAY JOIN
        parts.family AS part_family,
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
        AND part_family IN (
            'due', 'requested', 'received', 'inspected', 'complained', 'asked', 'answered',
            'receipt', 'step', 'undone')
)
ARRAY JOIN
    arrayFilter(
        day -> part_since < day AND day <= part_until
            AND part_day < day
            -- As numbers: a date before 1900 can't be told from others.
            AND (
                part_family = 'undone'
                OR toInt32(day) - toInt32(part_day) <= {window_days:Int32}),
        {as_ofs:Array(Date32)}) AS as_of
GROUP BY supplier_id, as_of, family
