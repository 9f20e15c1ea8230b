-- Which order lines have been overdue for over 180 days without being closed?
SELECT
    toString(supplier_id) AS supplier_id,
    toString(buyer_id) AS buyer_id,
    'order' AS document,
    '' AS number,
    order_no,
    line_no,
    window_date + 1 AS since,
    map(
        'due_on', toString(s.due),
        'days', toString(toInt32({as_of:Date32}) - toInt32(window_date)),
        'missing', toString(toDecimal256(ordered - held, 18) / $factor_of(unit)),
        'quantity', toString(toDecimal256(ordered, 18) / $factor_of(unit)),
        'unit', unit) AS facts,
    CAST([s.due_set_by], 'Array(Tuple(String, String))') AS events
FROM
(
    SELECT
        supplier_id, buyer_id, order_no, line_no,
        steps[arrayCount(d -> d <= {as_of:Date32}, steps.day)] AS s,
        s.item_no AS item_no,
        s.uom AS unit,
        s.quantity AS ordered,
        $tolerance AS t,
        s.due + {late_days:Array(Int32)}[t] AS window_date,
        {under:Array(Decimal(9, 6))}[t] AS under,
        arraySum(arrayMap(
            r -> if(r.known_on <= {as_of:Date32}, r.quantity, 0::Decimal(38, 6)), receipts))
            - arraySum(arrayMap(
                r -> if(r.known_on <= {as_of:Date32}, r.quantity, 0::Decimal(38, 6)), returns))
            AS held
    FROM order_line_facts FINAL
    WHERE rules = {rules:UInt64} AND $partners AND first_day + 180 < {as_of:Date32}
        AND s.out = '' AND NOT s.any_cancellation AND window_date + 180 < {as_of:Date32}
)
WHERE held < ordered * (1 - under)
