-- Every order line at T with what was received and returned of it: the facts behind each figure.
-- `window_date` is due + late tolerance, the day by which a line is judged.
CREATE OR REPLACE VIEW line_facts $on_cluster AS
WITH
    lines AS
    (
        SELECT *
        FROM order_lines_at(
            suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)},
            as_of = {as_of:Date32}, zone = {zone:String}, late_days = {late_days:Int32},
            notice_days = {notice_days:Int32})
    ),
    received AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            arraySort(groupArrayIf((received_on, quantity, receipt_no), quantity > 0)) AS receipts,
            arraySort(arrayDistinct(arrayFlatten(groupArray(events)))) AS receipt_events
        FROM receipts_at(
            suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)},
            as_of = {as_of:Date32}, zone = {zone:String})
        GROUP BY supplier_id, buyer_id, order_no, line_no
    ),
    sent_back AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            sum(quantity) AS returned,
            arraySort(arrayDistinct(arrayFlatten(groupArray(events)))) AS return_events
        FROM returns_at(
            suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)},
            as_of = {as_of:Date32}, zone = {zone:String})
        GROUP BY supplier_id, buyer_id, order_no, line_no
    )
SELECT
    l.supplier_id AS supplier_id,
    l.buyer_id AS buyer_id,
    l.order_no AS order_no,
    l.line_no AS line_no,
    l.item_no AS item_no,
    l.uom AS uom,
    l.ordered AS ordered,
    l.ordered_on AS ordered_on,
    l.requested_date AS requested_date,
    l.due_date AS due_date,
    l.due_set_by AS due_set_by,
    l.out_because AS out_because,
    l.cancelled_by AS cancelled_by,
    r.receipts AS receipts,
    b.returned AS returned,
    arrayConcat(l.events, r.receipt_events, b.return_events) AS events,
    l.due_date + {late_days:Int32} AS window_date,
    l.requested_date + {late_days:Int32} AS requested_window_date,
    l.out_because = '' AND window_date < {as_of:Date32} AS matured,
    l.out_because = '' AND requested_window_date < {as_of:Date32} AS requested_matured,
    l.ordered * (1 - {under:Decimal(9, 6)}) AS least,
    l.most_asked * (1 + {over:Decimal(9, 6)}) AS most,
    arraySum(arrayMap(x -> x.2, r.receipts)) AS received,
    arraySum(arrayMap(x -> if(x.1 <= window_date, x.2, 0::Decimal(38, 6)), r.receipts))
        AS received_by_due,
    arraySum(arrayMap(x -> if(x.1 <= requested_window_date, x.2, 0::Decimal(38, 6)), r.receipts))
        AS received_by_requested,
    least(
        l.ordered,
        arraySum(arrayMap(
            x -> if(
                x.1 <= window_date AND x.1 >= l.due_date - {early_days:Int32},
                x.2, 0::Decimal(38, 6)),
            r.receipts))
    ) AS on_time_quantity,
    least(l.ordered, greatest(0::Decimal(38, 6), received - b.returned)) AS filled,
    received_by_due >= least AND received_by_due <= most
        AND NOT arrayExists(x -> x.1 < l.due_date - {early_days:Int32}, r.receipts)
        AS on_time_in_full,
    received_by_requested >= least AND received_by_requested <= most
        AND NOT arrayExists(x -> x.1 < l.requested_date - {early_days:Int32}, r.receipts)
        AS on_time_in_full_requested,
    -- Receipts by date fill the ordered quantity; what is missing counts until T.
    arrayMap(x -> least(l.ordered, x), arrayCumSum(arrayMap(x -> x.2, r.receipts))) AS filled_up_to,
    arraySum(arrayMap(
        (x, upto, before) -> (upto - before) * greatest(0, toInt32(x.1) - toInt32(l.due_date)),
        r.receipts, filled_up_to, arrayPopBack(arrayPushFront(filled_up_to, 0::Decimal(38, 6)))
    ))
    + (l.ordered - if(empty(filled_up_to), 0::Decimal(38, 6), filled_up_to[-1]))
        * greatest(0, toInt32({as_of:Date32}) - toInt32(l.due_date)) AS quantity_days_late,
    l.out_because = '' AND NOT l.any_cancellation AND received - b.returned < least AS incomplete,
    incomplete AND window_date < {as_of:Date32} AS overdue
FROM lines AS l
LEFT JOIN received AS r USING (supplier_id, buyer_id, order_no, line_no)
LEFT JOIN sent_back AS b USING (supplier_id, buyer_id, order_no, line_no);
