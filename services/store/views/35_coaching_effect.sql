-- How did the figures of each coached supplier change, beside those of the uncoached of its cluster?
-- Before: the window up to the first coaching in the period. After: the window from that day on, cut
-- off at T. Uncoached are those suppliers of the same cluster that had no coaching until the end of the
-- second window; their numerators and denominators over the same days are added. A supplier without a
-- cluster has no uncoached beside it.
CREATE OR REPLACE VIEW coaching_effect $on_cluster AS
WITH
    -- As a scalar each list is computed once, however often it is used.
    (
        SELECT groupArray((
            c.supplier_id, ifNull(r.cluster, ''), c.held_on, c.v.1, c.v.2, c.sessions,
            least(c.held_on + {window_days:Int32}, {as_of:Date32})))
        FROM
        (
            SELECT
                toString(supplier_id) AS supplier_id,
                min(held_on) AS held_on,
                argMin((topic, coach), (coachings.held_on, time, event_id, source)) AS v,
                uniqExact(source, event_id) AS sessions
            FROM coachings
            WHERE coachings.held_on >= {since:Date32} AND coachings.held_on < {as_of:Date32}
                AND (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
            GROUP BY supplier_id
        ) AS c
        LEFT JOIN registered AS r ON r.partner_id = c.supplier_id
        WHERE empty({clusters:Array(String)}) OR ifNull(r.cluster, '') IN {clusters:Array(String)}
    ) AS every_coached,
    coached AS
    (
        SELECT
            one.1 AS supplier_id,
            one.2 AS cluster,
            one.3 AS held_on,
            one.4 AS topic,
            one.5 AS coach,
            one.6 AS sessions,
            one.7 AS after_on,
            toInt32(after_on) - toInt32(held_on) AS after_days
        FROM (SELECT arrayJoin(every_coached) AS one)
    ),
    (
        SELECT groupArray((r.partner_id, c.supplier_id))
        FROM coached AS c
        INNER JOIN registered AS r ON r.cluster = c.cluster
        LEFT JOIN
        (
            SELECT toString(supplier_id) AS supplier_id, min(held_on) AS first_on
            FROM coachings
            GROUP BY supplier_id
        ) AS e ON e.supplier_id = r.partner_id
        WHERE c.cluster != '' AND r.role = 'supplier'
            AND (e.supplier_id = '' OR e.first_on >= c.after_on)
    ) AS every_uncoached,
    beside AS
    (
        SELECT supplier_id, supplier_id AS subject, 1 AS own
        FROM coached
        UNION ALL
        SELECT one.1, one.2, 0
        FROM (SELECT arrayJoin(every_uncoached) AS one)
    ),
    asked AS
    (
        SELECT
            supplier_id AS subject, 'before' AS phase, held_on AS as_of,
            {window_days:Int32} AS window_days
        FROM coached
        UNION ALL
        SELECT supplier_id, 'after', after_on, after_days
        FROM coached
    ),
    added AS
    (
        SELECT
            b.subject AS subject,
            p.kpi AS kpi,
            sumIf(p.numerator, b.own AND a.phase = 'before') AS before_numerator,
            sumIf(p.denominator, b.own AND a.phase = 'before') AS before_denominator,
            sumIf(p.numerator, b.own AND a.phase = 'after') AS after_numerator,
            sumIf(p.denominator, b.own AND a.phase = 'after') AS after_denominator,
            sumIf(p.numerator, NOT b.own AND a.phase = 'before') AS uncoached_before_numerator,
            sumIf(p.denominator, NOT b.own AND a.phase = 'before') AS uncoached_before_denominator,
            sumIf(p.numerator, NOT b.own AND a.phase = 'after') AS uncoached_after_numerator,
            sumIf(p.denominator, NOT b.own AND a.phase = 'after') AS uncoached_after_denominator,
            uniqExactIf(p.unit, b.own AND p.unit != '' AND p.denominator != 0) AS units,
            uniqExactIf(p.unit, NOT b.own AND p.unit != '' AND p.denominator != 0)
                AS uncoached_units
        FROM figure_pairs(
            rules = {rules:UInt64},
            suppliers = (SELECT groupUniqArray(supplier_id) FROM beside),
            buyers = {buyers:Array(String)},
            spans = (
                SELECT groupUniqArray((as_of, window_days))
                FROM asked)) AS p
        INNER JOIN beside AS b ON b.supplier_id = p.supplier_id
        INNER JOIN asked AS a
            ON a.subject = b.subject AND a.as_of = p.as_of AND a.window_days = p.window_days
        GROUP BY subject, kpi
    ),
    keys AS
    (
        SELECT *, kpi
        FROM coached
        ARRAY JOIN [$scorable_keys] AS kpi
    )
SELECT
    k.supplier_id AS supplier_id,
    k.cluster AS cluster,
    k.held_on AS held_on,
    k.topic AS topic,
    k.coach AS coach,
    k.sessions AS sessions,
    k.after_on AS after_on,
    k.after_days AS after_days,
    arrayCount(one -> one.2 = k.supplier_id, every_uncoached) AS uncoached,
    k.kpi AS kpi,
    f.* EXCEPT (subject, kpi)
FROM keys AS k
LEFT JOIN added AS f ON f.subject = k.supplier_id AND f.kpi = k.kpi;
