-- Which parts of figures count at each of these dates?
-- One row for each part (of $families) and each span (date, days of its window) at which it counts.
-- Families whose parts count at any age have no window, the backlog looks ahead, and the value received
-- has a window of its own. Days are compared as numbers, because Date32 clamps dates before 1900.
-- This is the only text of it: the queries of figures embed it, the views use it as counted_parts.
SELECT
    supplier_id, buyer_id, kind, number, line_no, part_family, part_label, part_day,
    part_a, part_b, part_c, part_d, part_e, part_f, part_g,
    span.1 AS as_of,
    span.2 AS window_days
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
        AND $families
)
ARRAY JOIN
    arrayFilter(
        span -> part_since < span.1 AND span.1 <= part_until
            AND toInt32(part_day) - toInt32(span.1)
                < if(part_family = 'backlog', {capacity_days:Int32}, 0)
            AND (
                part_family IN ('overdue', 'orphan', 'backlog', 'open', 'undone')
                OR toInt32(span.1) - toInt32(part_day) <= if(
                    part_family = 'value', {concentration_days:Int32}, span.2)),
        {spans:Array(Tuple(Date32, Int32))}) AS span
