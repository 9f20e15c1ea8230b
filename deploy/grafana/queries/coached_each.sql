-- What did one figure of each coached supplier do, beside that of the uncoached?
SELECT
    supplier_id AS "Supplier",
    cluster AS "Cluster",
    held_on AS "Coached on",
    topic AS "Topic",
    after_days AS "Days after",
    before_numerator AS "Before",
    before_denominator AS "of (before)",
    before AS "Value before",
    after_numerator AS "After",
    after_denominator AS "of (after)",
    after AS "Value after",
    uncoached AS "Uncoached suppliers",
    uncoached_before_numerator AS "Uncoached before",
    uncoached_before_denominator AS "of (uncoached before)",
    uncoached_before AS "Value uncoached before",
    uncoached_after_numerator AS "Uncoached after",
    uncoached_after_denominator AS "of (uncoached after)",
    uncoached_after AS "Value uncoached after"
FROM grafana_coaching(
    since = @since,
    as_of = @as_of,
    window_days = 90,
    @selected)
WHERE kpi = ${figure:singlequote}
ORDER BY held_on DESC, supplier_id
