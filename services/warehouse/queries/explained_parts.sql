-- Which parts of these families does a supplier's figure consist of at T, each with its document?
SELECT
    buyer_id, kind, number, line_no, p.family AS family, p.label AS label, p.day AS day,
    p.a AS a, p.b AS b, p.c AS c, p.d AS d, p.e AS e, p.f AS f, p.g AS g
FROM figure_parts FINAL
ARRAY JOIN parts AS p
WHERE rules = {rules:UInt64}
    AND supplier_id IN {suppliers:Array(String)}
    AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
    AND p.family IN {families:Array(String)}
    AND p.since < {as_of:Date32} AND {as_of:Date32} <= p.until
    AND p.day < if(p.family = 'backlog', {as_of:Date32} + {capacity_days:Int32}, {as_of:Date32})
    AND (
        p.family IN ('overdue', 'orphan', 'backlog', 'open', 'undone')
        OR p.day >= {as_of:Date32}
            - if(p.family = 'value', {concentration_days:Int32}, {window_days:Int32}))
ORDER BY day, buyer_id, kind, number, line_no, family, label
