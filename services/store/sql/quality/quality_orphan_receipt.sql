-- Which receipts over 7 days old name an order line that nobody sent?
SELECT
    toString(supplier_id) AS supplier_id,
    toString(buyer_id) AS buyer_id,
    'receipt' AS document,
    receipt_no AS number,
    order_no,
    line_no,
    received_on AS since,
    map(
        'received_on', toString(received_on),
        'quantity', toString(toDecimal256(left, 18) / $factor_of(orphan_unit)),
        'unit', orphan_unit) AS facts,
    CAST(events, 'Array(Tuple(String, String))') AS events
FROM
(
    SELECT
        *,
        arraySum(arrayMap(
            n -> if(n.known_on <= {as_of:Date32}, n.quantity, 0::Decimal(38, 6)), net)) AS left
    FROM receipt_facts FINAL
    WHERE rules = {rules:UInt64} AND $partners AND received_on + 7 < {as_of:Date32} AND named
)
WHERE left > 0
    AND (supplier_id, buyer_id, order_no, line_no) IN (
        SELECT supplier_id, buyer_id, order_no, line_no
        FROM order_line_facts FINAL
        WHERE rules = {rules:UInt64} AND $partners AND first_day > {as_of:Date32})
