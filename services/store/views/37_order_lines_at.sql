-- The query sql/lines/order_lines_at.sql as a view, for other views.
CREATE OR REPLACE VIEW order_lines_at $on_cluster AS
$order_lines_at;
