-- For Grafana: how each supplier stood at month ends, as known when they were frozen.
CREATE OR REPLACE VIEW grafana_evaluations $on_cluster
DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    e.supplier_id AS supplier_id,
    ifNull(nullIf(r.cluster, ''), '(no cluster)') AS cluster,
    e.as_of AS as_of,
    e.policy_version AS policy_version,
    JSONExtract(e.scorecard, 'score', 'value', 'Nullable(Float64)') AS score,
    JSONExtractString(e.scorecard, 'grade', 'value') AS at_as_of,
    JSONExtractString(e.scorecard, 'grade', 'published') AS published,
    e.frozen_at AS frozen_at
FROM evaluations AS e FINAL
LEFT JOIN registered AS r ON r.partner_id = e.supplier_id;
