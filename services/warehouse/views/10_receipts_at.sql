-- What was received at T: net quantity of every goods receipt and order line, by receipt.
-- The version sent last stands, wherever its time lies; then its date is looked at. A reversal takes
-- from the version in force at its own time, so of the standing one only if timed since it, or if
-- there was never another.
CREATE OR REPLACE VIEW receipts_at $on_cluster AS
WITH
    receipts AS
    (
        SELECT
            supplier_id,
            buyer_id,
            receipt_no,
            groupUniqArray((time, event_id, source)) AS versions,
            arrayMax(versions) AS standing,
            length(versions) = 1 AS never_resent,
            groupUniqArray((
                (time, event_id, source), position, order_no, line_no, quantity, received_at,
                despatch_no)) AS all_lines,
            arrayFilter(l -> l.1 = standing, all_lines) AS standing_lines
        FROM receipt_lines
        WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
        GROUP BY supplier_id, buyer_id, receipt_no
        HAVING toDate32(standing_lines[1].6, {zone:String}) < {as_of:Date32}
    ),
    reversals AS
    (
        SELECT
            supplier_id,
            buyer_id,
            receipt_no,
            groupUniqArray((time, event_id, source, position, order_no, line_no, quantity)) AS taken
        FROM reversal_lines
        WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
            AND toDate32(time, {zone:String}) < {as_of:Date32}
        GROUP BY supplier_id, buyer_id, receipt_no
    )
SELECT
    supplier_id,
    buyer_id,
    receipt_no,
    line.3 AS order_no,
    line.4 AS line_no,
    toDate32(any(line.6), {zone:String}) AS received_on,
    any(line.6) AS received_at,
    any(line.7) AS despatch_no,
    sum(line.5) AS quantity_received,
    arrayFilter(r -> r.1 >= any(standing).1 OR any(never_resent), any(taken)) AS counted,
    arrayExists(r -> r.4 = 0, counted) AS all_reversed,
    arraySum(r -> if(r.5 = order_no AND r.6 = line_no, r.7, 0::Decimal(38, 6)), counted) AS reversed,
    if(
        all_reversed, 0::Decimal(38, 6),
        greatest(0::Decimal(38, 6), quantity_received - reversed)
    ) AS quantity,
    arrayConcat(
        [(any(standing).3, any(standing).2)],
        arrayMap(
            r -> (r.3, r.2),
            arrayFilter(r -> r.4 = 0 OR (r.5 = order_no AND r.6 = line_no), counted))
    ) AS events
FROM receipts
LEFT JOIN reversals USING (supplier_id, buyer_id, receipt_no)
ARRAY JOIN standing_lines AS line
GROUP BY supplier_id, buyer_id, receipt_no, order_no, line_no;
