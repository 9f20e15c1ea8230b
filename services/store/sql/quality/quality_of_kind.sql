-- Which findings of one kind exist at a day, those that began last first, and how many in all?
SELECT *, count() OVER () AS total
FROM
(
$findings
)
WHERE since <= {as_of:Date32}
ORDER BY since DESC, supplier_id, buyer_id, number, order_no, line_no
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
