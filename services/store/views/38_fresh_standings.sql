-- The query sql/figures/fresh_standings.sql as a view, for other views.
CREATE OR REPLACE VIEW fresh_standings $on_cluster AS
$fresh_standings;
