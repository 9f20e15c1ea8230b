-- The query sql/figures/counted_parts.sql as a view, for other views.
CREATE OR REPLACE VIEW counted_parts $on_cluster AS
$counted_parts;
