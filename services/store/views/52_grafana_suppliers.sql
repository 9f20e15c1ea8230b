-- For Grafana: the suppliers of some buyers (empty = all), with their registration.
CREATE OR REPLACE VIEW grafana_suppliers $on_cluster DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    supplier_id,
    ifNull(name, supplier_id) AS name,
    ifNull(province, '') AS province,
    ifNull(regency, '') AS regency,
    ifNull(nullIf(cluster, ''), '(no cluster)') AS cluster,
    ifNull(sector, '') AS sector,
    arrayStringConcat(buyers, ', ') AS buyers
FROM suppliers_of_buyers(buyers = (SELECT arrayFilter(x -> x != '', {buyers:Array(String)})));
