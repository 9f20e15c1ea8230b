-- What do the parts of each supplier's figures add up to, at each of the dates asked for?
-- One family of parts is one row; families whose parts count at any age have no window, the backlog
-- looks ahead, the value received has a window of its own. What adds up over suppliers is summed.
SELECT
    $select,
    as_of,
    p.family AS family,
    if(p.family IN ('due', 'received', 'backlog', 'value'), p.label, '') AS label,
    if(p.family = 'value', buyer_id, '') AS buyer,
    count() AS n,
    sum(p.a) AS a,
    sum(p.b) AS b,
    sum(p.c) AS c,
    sum(p.d) AS d,
    sum(p.e) AS e,
    sum(p.f) AS f,
    sum(p.g) AS g,
    sumIf(toDecimal256(p.a, 6) * toDecimal256(p.b, 6), p.family = 'value') AS value,
    groupUniqArrayIf(toYYYYMM(p.day), p.family = 'due') AS months,
    groupArrayIf(p.a, p.family IN ('asked', 'completed')) AS cases
FROM figure_parts FINAL
ARRAY JOIN parts AS p
INNER JOIN (SELECT arrayJoin({as_ofs:Array(Date32)}) AS as_of) AS dates ON 1
WHERE rules = {rules:UInt64}
    AND (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
    AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
    AND p.since < as_of AND as_of <= p.until
    AND p.day < if(p.family = 'backlog', as_of + {capacity_days:Int32}, as_of)
    AND (
        p.family IN ('overdue', 'orphan', 'backlog', 'open', 'undone')
        OR p.day >= as_of
            - if(p.family = 'value', {concentration_days:Int32}, {window_days:Int32}))
GROUP BY $group, as_of, family, label, buyer
