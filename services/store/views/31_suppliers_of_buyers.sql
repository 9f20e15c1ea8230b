-- The query sql/buyers/suppliers_of_buyers.sql as a view, for other views.
CREATE OR REPLACE VIEW suppliers_of_buyers $on_cluster AS
$suppliers_of_buyers;
