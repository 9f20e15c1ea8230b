-- What did the figures of all coached suppliers do, added up?
SELECT
    title AS "Figure",
    any(unit) AS "Unit",
    sum(before_numerator) AS "Before",
    sum(before_denominator) AS "of (before)",
    if("of (before)" = 0, NULL, any(scale) * "Before" / "of (before)") AS "Value before",
    sum(after_numerator) AS "After",
    sum(after_denominator) AS "of (after)",
    if("of (after)" = 0, NULL, any(scale) * "After" / "of (after)") AS "Value after"
FROM grafana_coaching(
    since = @since,
    as_of = @as_of,
    window_days = 90,
    @selected)
GROUP BY title
ORDER BY any(place)
