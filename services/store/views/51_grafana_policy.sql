-- For Grafana: by which policy everything is judged, and in which zone a day begins.
CREATE OR REPLACE VIEW grafana_policy $on_cluster DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT version, zone, window_days, capacity_days, since
FROM policy_in_force;
