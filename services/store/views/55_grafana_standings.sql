-- For Grafana: how suppliers stand at a date: score, grade, published grade and stage by assessor.
-- Over all their buyers and the default window, as computed last, unless that is stale.
CREATE OR REPLACE VIEW grafana_standings $on_cluster DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    s.supplier_id AS supplier_id,
    k.name AS name,
    k.province AS province,
    k.regency AS regency,
    k.cluster AS cluster,
    k.sector AS sector,
    splitByChar('/', JSONExtractString(s.summary, 'score')) AS fraction,
    if(
        empty(fraction[1]), NULL,
        toFloat64(fraction[1]) / if(length(fraction) = 2, toFloat64(fraction[2]), 1.)) AS score,
    JSONExtractString(s.summary, 'grade') AS at_as_of,
    JSONExtractString(s.summary, 'published') AS published,
    arrayStringConcat(JSONExtract(s.summary, 'gates', 'Array(String)'), ', ') AS gates,
    JSONExtractString(s.summary, 'weakest_pillar') AS weakest_pillar,
    JSONExtractUInt(s.summary, 'matured_lines') AS matured_lines,
    JSONExtract(s.summary, 'stages', 'Map(String, String)') AS stages
FROM fresh_standings(
    policy = (SELECT policy FROM policy_in_force),
    rules = (SELECT rules FROM policy_in_force),
    as_of = {as_of:Date32},
    suppliers = (SELECT arrayFilter(x -> x != '', {suppliers:Array(String)}))) AS s
LEFT JOIN grafana_suppliers(buyers = []) AS k ON k.supplier_id = s.supplier_id
WHERE {clusters:Array(String)} IN ([], ['']) OR k.cluster IN {clusters:Array(String)};
