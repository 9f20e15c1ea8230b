-- What queries/counted_parts.sql answers, for other views.
CREATE OR REPLACE VIEW counted_parts $on_cluster AS
$counted_parts;
