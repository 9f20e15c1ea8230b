-- For Grafana: title, unit and meaning of every figure, in the order of a scorecard.
CREATE OR REPLACE VIEW grafana_kpis $on_cluster DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    place,
    row.1 AS kpi,
    row.2 AS title,
    row.3 AS unit,
    row.4 AS better,
    row.5 AS has_interval,
    row.6 AS scale,
    row.7 AS meaning
FROM (SELECT 1)
ARRAY JOIN
    [
        $kpi_rows
    ] AS row,
    arrayEnumerate(range($kpi_places)) AS place;
