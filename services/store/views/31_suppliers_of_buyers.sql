-- What queries/suppliers_of_buyers.sql answers, for other views.
CREATE OR REPLACE VIEW suppliers_of_buyers $on_cluster AS
$suppliers_of_buyers;
