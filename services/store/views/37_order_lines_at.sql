-- What queries/order_lines_at.sql answers, for other views.
CREATE OR REPLACE VIEW order_lines_at $on_cluster AS
$order_lines_at;
