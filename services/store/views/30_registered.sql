-- Every registered partner; a later registration replaces the earlier one.
CREATE OR REPLACE VIEW registered $on_cluster AS
SELECT
    partner_id,
    v.1 AS role,
    v.2 AS name,
    v.3 AS province,
    v.4 AS regency,
    v.5 AS cluster,
    v.6 AS sector
FROM
(
    SELECT
        partner_id,
        argMax(
            tuple(role, name, province, regency, cluster, sector),
            (time, event_id, source)) AS v
    FROM partners
    GROUP BY partner_id
);
