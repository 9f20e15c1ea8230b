-- Which order lines of a buyer are overdue at T, or due in the days to come?
-- Overdue: still awaited past due date + late tolerance. Candidates are read without FINAL, which gives
-- too many; the lines themselves then decide.
WITH
    may_be AS
    (
        SELECT supplier_id, buyer_id, number AS order_no, line_no
        FROM figure_parts
        WHERE rules = {rules:UInt64} AND buyer_id IN {buyers:Array(String)} AND kind = 'line'
            AND arrayExists(
                (family, day, since, until) -> family IN ('overdue', 'backlog')
                    AND since < {as_of:Date32} AND {as_of:Date32} <= until
                    AND if(
                        {overdue:Bool}, family = 'overdue' AND day < {as_of:Date32},
                        day < {as_of:Date32} + {days:Int32} + {longest_late:Int32}),
                parts.family, parts.day, parts.since, parts.until)
        UNION DISTINCT
        -- Lines that were complete, and of which goods were sent back before they were due.
        SELECT supplier_id, buyer_id, order_no, line_no
        FROM order_line_facts
        WHERE rules = {rules:UInt64} AND buyer_id IN {buyers:Array(String)} AND notEmpty(returns)
    ),
    lines AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            arrayCount(d -> d < {as_of:Date32}, steps.day) AS i,
            steps.item_no[i] AS item_no,
            steps.uom[i] AS uom,
            $factor_of(uom) AS one,
            steps.due[i] AS due_date,
            steps.quantity[i] AS ordered,
            steps.confirmed[i] AS confirmed,
            $tolerance AS t,
            due_date + {late_days:Array(Int32)}[t] AS window_date,
            ordered * (1 - {under:Array(Decimal(9, 6))}[t]) AS least,
            arraySum(arrayMap(
                (day, quantity) -> if(day < {as_of:Date32}, quantity, 0::Decimal(38, 6)),
                receipts.known_on, receipts.quantity)) AS received,
            arraySum(arrayMap(
                (day, quantity) -> if(day < {as_of:Date32}, quantity, 0::Decimal(38, 6)),
                returns.known_on, returns.quantity)) AS returned
        FROM order_line_facts FINAL
        PREWHERE rules = {rules:UInt64}
            AND buyer_id IN {buyers:Array(String)}
            AND (supplier_id, buyer_id, order_no, line_no) IN (SELECT * FROM may_be)
        WHERE first_day < {as_of:Date32} AND steps.out[i] = '' AND NOT steps.any_cancellation[i]
    )
SELECT
    supplier_id,
    order_no,
    line_no,
    item_no,
    nullIf(uom, '') AS uom,
    l.ordered / l.one AS ordered,
    due_date,
    confirmed,
    l.received / l.one AS received,
    l.returned / l.one AS returned,
    count() OVER () AS total
FROM lines AS l
WHERE l.received - l.returned < l.least
    AND if(
        {overdue:Bool},
        window_date < {as_of:Date32},
        window_date >= {as_of:Date32} AND due_date < {as_of:Date32} + {days:Int32})
ORDER BY due_date, supplier_id, order_no, line_no
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
