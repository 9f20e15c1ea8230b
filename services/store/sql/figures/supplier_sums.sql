-- What do a supplier's parts add up to in each month of a span before T, and what is still awaited?
-- Only the families of `figure_sums` that the trend shows: deliveries, receipts, inspections and
-- complaints. `inside`: whether the month's parts are in the window of the figures. The backlog is by
-- item and due date, due before `until`.
SELECT
    if(p.family = 'backlog', p.day, toStartOfMonth(p.day)) AS day,
    p.family AS family,
    if(family IN ('due', 'received', 'inspected', 'backlog'), p.label, '') AS label,
    p.day >= {start:Date32} AS inside,
    count() AS n,
    sum(p.a) AS a,
    sum(p.b) AS b,
    sum(p.c) AS c,
    sum(p.d) AS d,
    sum(p.e) AS e,
    sum(p.f) AS f,
    sum(p.g) AS g,
    groupUniqArrayIf(toYYYYMM(p.day), family = 'due') AS months
FROM figure_parts FINAL
ARRAY JOIN parts AS p
WHERE rules = {rules:UInt64}
    AND supplier_id = {supplier:String}
    AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
    AND p.since < {as_of:Date32} AND {as_of:Date32} <= p.until
    AND (
        (p.family = 'backlog' AND p.day < {until:Date32})
        OR (
            p.family IN ('due', 'received', 'inspected', 'complained')
            AND p.day < {as_of:Date32} AND p.day >= {from:Date32}))
GROUP BY day, family, label, inside
