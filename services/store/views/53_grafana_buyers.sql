-- For Grafana: every buyer with its name.
CREATE OR REPLACE VIEW grafana_buyers $on_cluster DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT b.buyer_id AS buyer_id, if(empty(ifNull(r.name, '')), b.buyer_id, r.name) AS name
FROM
(
    SELECT DISTINCT arrayJoin(buyers) AS buyer_id
    FROM suppliers_of_buyers(buyers = [])
) AS b
LEFT JOIN registered AS r ON r.partner_id = b.buyer_id;
