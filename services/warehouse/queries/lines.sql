-- Which order lines of a supplier stand behind its figures, with all that is known of each?
-- late: judged in the window, not complete by due + late. short: judged, not filled at T. open:
-- goods still awaited. overdue: awaited past due + late. rejected: a lot refused in the window.
WITH
    facts AS
    (
        SELECT *
        FROM line_facts(
            suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)},
            as_of = {as_of:Date32}, zone = {zone:String}, late_days = {late_days:Int32},
            early_days = {early_days:Int32}, notice_days = {notice_days:Int32},
            under = {under:Decimal(9, 6)}, over = {over:Decimal(9, 6)})
    ),
    inspected AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no,
            sum(n.quantity_inspected) AS quantity_inspected,
            sum(n.quantity_rejected) AS quantity_rejected,
            countIf(
                (n.disposition != 'accepted' OR n.quantity_rejected > 0)
                AND n.inspected_on >= {from:Date32}) AS refused_in_window,
            arrayFlatten(groupArray(n.events)) AS inspection_events
        FROM inspections_at(
            suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)},
            as_of = {as_of:Date32}, zone = {zone:String}) AS n
        GROUP BY supplier_id, buyer_id, order_no, line_no
    ),
    complained AS
    (
        SELECT
            supplier_id, buyer_id, assumeNotNull(order_no) AS order_no,
            assumeNotNull(line_no) AS line_no, count() AS complaints,
            arrayFlatten(groupArray(events)) AS complaint_events
        FROM complaints_at(
            suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)},
            as_of = {as_of:Date32}, zone = {zone:String})
        WHERE isNotNull(order_no) AND isNotNull(line_no)
        GROUP BY supplier_id, buyer_id, order_no, line_no
    ),
    disputed AS
    (
        -- A dispute is open until an answer that is later than it.
        SELECT
            supplier_id, buyer_id, order_no, line_no,
            maxIf(time, asked) > maxIf(time, NOT asked) AS dispute_open,
            groupUniqArray((source, event_id)) AS dispute_events
        FROM
        (
            SELECT supplier_id, buyer_id, order_no, line_no, time, source, event_id, 1 AS asked
            FROM disputes
            WHERE supplier_id IN {suppliers:Array(String)}
                AND toDate32(time, {zone:String}) < {as_of:Date32}
            UNION ALL
            SELECT supplier_id, buyer_id, order_no, line_no, time, source, event_id, 0
            FROM dispute_answers
            WHERE supplier_id IN {suppliers:Array(String)}
                AND toDate32(time, {zone:String}) < {as_of:Date32}
        )
        GROUP BY supplier_id, buyer_id, order_no, line_no
    )
SELECT
    f.buyer_id AS buyer_id,
    f.order_no AS order_no,
    f.line_no AS line_no,
    f.item_no AS item_no,
    f.uom AS uom,
    f.ordered AS ordered,
    f.ordered_on AS ordered_on,
    f.requested_date AS requested_date,
    f.due_date AS due_date,
    f.due_set_by AS due_set_by,
    f.out_because AS out_because,
    f.cancelled_by AS cancelled_by,
    f.receipts AS receipts,
    f.received AS received,
    f.returned AS returned,
    f.on_time_in_full AS on_time_in_full,
    f.matured AND f.window_date >= {from:Date32} AS judged,
    judged AND f.received_by_due < f.least AS late,
    judged AND f.filled < f.least AS short,
    f.incomplete AS open,
    f.overdue AS overdue,
    i.refused_in_window > 0 AS rejected,
    i.quantity_inspected AS quantity_inspected,
    i.quantity_rejected AS quantity_rejected,
    c.complaints AS complaints,
    d.dispute_open AS dispute_open,
    arrayDistinct(arrayConcat(
        f.events, i.inspection_events, c.complaint_events, d.dispute_events)) AS events,
    count() OVER () AS total
FROM facts AS f
LEFT JOIN inspected AS i USING (supplier_id, buyer_id, order_no, line_no)
LEFT JOIN complained AS c USING (supplier_id, buyer_id, order_no, line_no)
LEFT JOIN disputed AS d USING (supplier_id, buyer_id, order_no, line_no)
WHERE multiIf(
    {status:String} = 'late', late,
    {status:String} = 'short', short,
    {status:String} = 'open', open,
    {status:String} = 'overdue', overdue,
    {status:String} = 'rejected', rejected,
    judged OR open OR rejected OR {status:String} = 'any')
ORDER BY due_date DESC, buyer_id, order_no, line_no
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
