-- For Grafana: how the figures of coached suppliers changed, beside the uncoached of their cluster.
-- One row for each supplier and figure; every percentage comes with its numerator and denominator.
CREATE OR REPLACE VIEW grafana_coaching $on_cluster DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    e.supplier_id AS supplier_id,
    e.cluster AS cluster,
    e.held_on AS held_on,
    e.topic AS topic,
    e.after_days AS after_days,
    e.uncoached AS uncoached,
    e.kpi AS kpi,
    k.place AS place,
    k.title AS title,
    k.unit AS unit,
    k.scale AS scale,
    toFloat64(e.before_numerator) AS before_numerator,
    toFloat64(e.before_denominator) AS before_denominator,
    if(before_denominator = 0, NULL, k.scale * before_numerator / before_denominator) AS before,
    toFloat64(e.after_numerator) AS after_numerator,
    toFloat64(e.after_denominator) AS after_denominator,
    if(after_denominator = 0, NULL, k.scale * after_numerator / after_denominator) AS after,
    toFloat64(e.uncoached_before_numerator) AS uncoached_before_numerator,
    toFloat64(e.uncoached_before_denominator) AS uncoached_before_denominator,
    if(
        uncoached_before_denominator = 0, NULL,
        k.scale * uncoached_before_numerator / uncoached_before_denominator) AS uncoached_before,
    toFloat64(e.uncoached_after_numerator) AS uncoached_after_numerator,
    toFloat64(e.uncoached_after_denominator) AS uncoached_after_denominator,
    if(
        uncoached_after_denominator = 0, NULL,
        k.scale * uncoached_after_numerator / uncoached_after_denominator) AS uncoached_after
FROM coaching_effect(
    rules = (SELECT rules FROM policy_in_force),
    suppliers = (SELECT arrayFilter(x -> x != '', {suppliers:Array(String)})),
    buyers = (SELECT arrayFilter(x -> x != '', {buyers:Array(String)})),
    clusters = (SELECT arrayFilter(x -> x != '', {clusters:Array(String)})),
    since = {since:Date32},
    as_of = {as_of:Date32},
    window_days = {window_days:Int32}) AS e
INNER JOIN grafana_kpis AS k ON k.kpi = e.kpi;
