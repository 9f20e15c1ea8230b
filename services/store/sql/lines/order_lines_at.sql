-- What is known at T of every order line of some suppliers, without prices?
-- late: judged in the window, not complete by due date + late tolerance. short: judged, not filled at
-- T. open: goods are still awaited. overdue: awaited past due date + late tolerance. rejected: a lot
-- was refused in the window.
WITH
    lines AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            first_day,
            arrayCount(d -> d < {as_of:Date32}, steps.day) AS i,
            steps[i] AS s,
            s.item_no AS item_no,
            s.uom AS unit,
            $factor_of(unit) AS one,
            $tolerance AS t,
            {early_days:Array(Int32)}[t] AS early,
            s.due + {late_days:Array(Int32)}[t] AS window_date,
            s.quantity * (1 - {under:Array(Decimal(9, 6))}[t]) AS least,
            s.most * (1 + {over:Array(Decimal(9, 6))}[t]) AS most,
            arrayFilter(r -> r.known_on < {as_of:Date32}, returns) AS went,
            arrayFilter(r -> r.known_on < {as_of:Date32}, receipts) AS came,
            arrayFilter(
                r -> r.2 > 0,
                arrayMap(
                    x -> (
                        x.1,
                        arraySum(arrayMap(
                            r -> if(
                                r.received_on = x.1 AND r.receipt_no = x.2,
                                r.quantity, 0::Decimal(38, 6)),
                            came)),
                        x.2),
                    arraySort(arrayDistinct(
                        arrayMap(r -> (r.received_on, r.receipt_no), came))))) AS net_receipts,
            arraySum(arrayMap(r -> r.quantity, came)) AS received,
            arraySum(arrayMap(r -> r.quantity, went)) AS returned,
            -- The quantity on hand after all moves of one instant, returns sorted before receipts.
            arraySort(arrayConcat(
                arrayMap(r -> (r.received_at, r.received_on, r.quantity), came),
                arrayMap(r -> (r.returned_at, r.returned_on, -r.quantity), went))) AS moves,
            arrayFilter(
                (house, move, next) -> move.1 != next,
                arrayMap(
                    (held, move) -> (move.2, held), arrayCumSum(arrayMap(m -> m.3, moves)), moves),
                moves,
                arrayPopFront(arrayPushBack(
                    arrayMap(m -> m.1, moves), toDateTime64(0, 6, 'UTC'))))
                AS houses,
            arraySum(arrayMap(
                r -> if(r.received_on <= window_date, r.quantity, 0::Decimal(38, 6)), came))
                AS received_by_due,
            arrayMap(
                e -> (e.source, e.id),
                arrayFilter(e -> e.day < {as_of:Date32} AND e.id != '', events)) AS order_events
        FROM order_line_facts FINAL
        WHERE rules = {rules:UInt64}
            AND supplier_id IN {suppliers:Array(String)}
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
            AND first_day < {as_of:Date32}
    ),
    delivered AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no,
            arraySort(arrayDistinct(arrayFlatten(groupArray(events)))) AS events
        FROM
        (
            SELECT supplier_id, buyer_id, order_no, line_no, events
            FROM receipt_facts FINAL
            WHERE rules = {rules:UInt64} AND supplier_id IN {suppliers:Array(String)}
                AND received_on < {as_of:Date32}
            UNION ALL
            SELECT supplier_id, buyer_id, order_no, line_no, events
            FROM return_facts FINAL
            WHERE rules = {rules:UInt64} AND supplier_id IN {suppliers:Array(String)}
                AND returned_on < {as_of:Date32}
        )
        GROUP BY supplier_id, buyer_id, order_no, line_no
    ),
    inspected AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no,
            groupArray(n.quantity_inspected) AS lots,
            groupArray(n.quantity_rejected) AS refusals,
            groupArray(n.uom) AS uoms,
            groupArray(
                (n.disposition != 'accepted' OR n.quantity_rejected > 0)
                AND n.inspected_on >= {window_from:Date32}) AS refused,
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
        -- A dispute is open until a later answer.
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
    l.buyer_id AS buyer_id,
    l.order_no AS order_no,
    l.line_no AS line_no,
    l.item_no AS item_no,
    nullIf(l.unit, '') AS uom,
    toDecimal256(l.s.quantity, 18) / l.one AS ordered,
    l.first_day AS ordered_on,
    l.s.requested AS requested_date,
    l.s.due AS due_date,
    -- The client returns an unnamed tuple as a tuple, a named one as a dictionary.
    CAST(l.s.due_set_by, 'Tuple(String, String)') AS due_set_by,
    l.s.out AS out_because,
    l.s.cancelled_by AS cancelled_by,
    CAST(
        arrayMap(r -> (r.1, toDecimal256(r.2, 18) / l.one, r.3), l.net_receipts),
        'Array(Tuple(Date32, Decimal(76, 18), String))') AS receipts,
    toDecimal256(l.most, 18) / l.one AS most,
    toDecimal256(l.received, 18) / l.one AS received,
    toDecimal256(l.returned, 18) / l.one AS returned,
    CAST(
        arrayMap(h -> (h.1, toDecimal256(h.2, 18) / l.one), l.houses),
        'Array(Tuple(Date32, Decimal(76, 18)))')
        AS in_the_house,
    l.received_by_due >= l.least
        AND NOT arrayExists(h -> h.1 <= l.window_date AND h.2 > l.most, l.houses)
        AND NOT arrayExists(r -> r.1 < l.s.due - l.early, l.net_receipts) AS on_time_in_full,
    out_because = '' AND l.window_date < {as_of:Date32} AND l.window_date >= {window_from:Date32} AS judged,
    judged AND l.received_by_due < l.least AS late,
    judged AND least(l.s.quantity, greatest(0::Decimal(38, 6), l.received - l.returned)) < l.least
        AS short,
    out_because = '' AND NOT l.s.any_cancellation AND l.received - l.returned < l.least AS open,
    open AND l.window_date < {as_of:Date32} AS overdue,
    -- A lot in a unit that does not convert does not count.
    arrayExists(
        (bad, some, uom) -> bad AND $converted(some, uom, l.unit) > 0, i.refused, i.lots, i.uoms)
        AS rejected,
    toDecimal256(
        arraySum(arrayMap((some, uom) -> $converted(some, uom, l.unit), i.lots, i.uoms)), 18)
        / l.one AS quantity_inspected,
    toDecimal256(
        arraySum(arrayMap((some, uom) -> $converted(some, uom, l.unit), i.refusals, i.uoms)), 18)
        / l.one AS quantity_rejected,
    c.complaints AS complaints,
    d.dispute_open AS dispute_open,
    CAST(
        arrayDistinct(arrayConcat(
            l.order_events, g.events, i.inspection_events, c.complaint_events, d.dispute_events)),
        'Array(Tuple(String, String))') AS events
FROM lines AS l
LEFT JOIN delivered AS g USING (supplier_id, buyer_id, order_no, line_no)
LEFT JOIN inspected AS i USING (supplier_id, buyer_id, order_no, line_no)
LEFT JOIN complained AS c USING (supplier_id, buyer_id, order_no, line_no)
LEFT JOIN disputed AS d USING (supplier_id, buyer_id, order_no, line_no)
