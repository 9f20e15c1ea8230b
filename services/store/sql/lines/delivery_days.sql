-- On which days of a span were lines of a supplier due, and when did goods come: in time, late, early?
-- As known at T. Lines that are out of the delivery figures are left out here too.
WITH
    lines AS
    (
        SELECT
            buyer_id,
            steps[arrayCount(d -> d < {as_of:Date32}, steps.day)] AS s,
            s.item_no AS item_no,
            $tolerance AS t,
            s.due - {early_days:Array(Int32)}[t] AS first,
            s.due + {late_days:Array(Int32)}[t] AS last,
            arrayFilter(r -> r.known_on < {as_of:Date32}, receipts) AS came,
            arrayFilter(
                x -> arraySum(arrayMap(
                    r -> if(
                        (r.received_on, r.receipt_no) = x, r.quantity, 0::Decimal(38, 6)), came)) > 0,
                arrayDistinct(arrayMap(r -> (r.received_on, r.receipt_no), came))) AS net
        FROM order_line_facts FINAL
        WHERE rules = {rules:UInt64}
            AND supplier_id = {supplier:String}
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
            AND first_day < {as_of:Date32}
            AND s.out = ''
    )
SELECT tupleElement(found, 1) AS day, tupleElement(found, 2) AS what, count() AS number
FROM lines
ARRAY JOIN arrayConcat(
    if(s.cancelled_by = '', [(s.due, 'due')], []),
    arrayMap(x -> (x.1, multiIf(x.1 > last, 'late', x.1 < first, 'early', 'in_time')), net)) AS found
WHERE day >= {from:Date32} AND day < {until:Date32}
GROUP BY day, what
ORDER BY day, what
