-- For Grafana: the figures of a supplier that can't be added up: medians, percentiles, highest load.
-- Over all its buyers and the default window, as computed last.
CREATE OR REPLACE VIEW grafana_times $on_cluster DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    supplier_id,
    row.1 AS kpi,
    row.2 AS title,
    row.3 AS unit,
    JSONExtract(scorecard, 'kpis', kpi, 'value', 'Nullable(Float64)') AS value
FROM fresh_standings(
    policy = (SELECT policy FROM policy_in_force),
    rules = (SELECT rules FROM policy_in_force),
    as_of = {as_of:Date32},
    suppliers = (SELECT arrayFilter(x -> x != '', {suppliers:Array(String)})))
ARRAY JOIN
    [
        $time_rows
    ] AS row;
