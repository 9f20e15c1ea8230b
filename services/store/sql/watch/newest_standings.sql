-- What is each supplier's newest kept standing within a span of days?
WITH newest AS
(
    SELECT supplier_id, max(tuple(as_of, computed_at)) AS at
    FROM standings
    WHERE policy = {policy:UInt64} AND as_of BETWEEN {oldest:Date32} AND {today:Date32}
    GROUP BY supplier_id
)
SELECT
    supplier_id,
    as_of,
    mark,
    computed_at,
    summary,
    JSONExtract(scorecard, 'kpis', 'capacity_load', 'value', 'Nullable(Float64)') AS capacity_load
FROM standings
WHERE policy = {policy:UInt64} AND as_of BETWEEN {oldest:Date32} AND {today:Date32}
    AND (supplier_id, as_of, computed_at) IN (SELECT supplier_id, at.1, at.2 FROM newest)
