-- What queries/fresh_standings.sql answers, for other views.
CREATE OR REPLACE VIEW fresh_standings $on_cluster AS
$fresh_standings;
