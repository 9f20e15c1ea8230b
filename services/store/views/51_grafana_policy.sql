-- For Grafana: the policy in force, and the zone in which its days begin.
CREATE OR REPLACE VIEW grafana_policy $on_cluster DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT version, zone, window_days, capacity_days, since
FROM policy_in_force;
