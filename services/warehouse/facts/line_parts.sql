-- What every order line $which names adds to the figures, and for which dates.
-- Between two days on which something about a line became known it adds the same at every T, so it
-- is worked out once for each of them.
-- due: day = due + late; a ordered, b on time in full, c on-time quantity, d filled, e quantity x
--   days late of what came, f still missing, g = f x due (days since 1970): late at T = e + f x T - g;
--   label = unit.
-- requested: day = requested + late; b on time in full. overdue: day = due + late.
-- completed: day = that of the completing receipt; a days since the first version.
-- backlog: day = due; a still to come; label = item. orphan: a receipts without an order line.
-- asked: day = end of the time to confirm; a microseconds to the confirmation, -1 without, b in time.
-- answered: day = first confirmation; b not rejected. retroactive: day = first version.
-- received: day = receipt; a quantity; label = unit. value: day = receipt; a quantity, b price;
--   label = currency.
INSERT INTO figure_parts
WITH
    chosen AS
    (
        SELECT
            * EXCEPT (rules, events),
            toDate32('2299-12-31') AS ever,
            arraySort(arrayDistinct(arrayConcat(
                steps.day,
                arrayMap(r -> r.known_on, receipts),
                arrayMap(r -> r.returned_on, returns)))) AS days,
            arrayPopFront(arrayPushBack(days, ever)) AS ends,
            toDate32(first_at + toIntervalHour({confirmation_hours:Int32}), {zone:String})
                AS answer_due_on,
            ifNull(
                confirmed_at <= first_at + toIntervalHour({confirmation_hours:Int32}), 0)
                AS in_time,
            greatest(
                0,
                toUnixTimestamp64Micro(ifNull(confirmed_at, first_at))
                    - toUnixTimestamp64Micro(first_at)) AS microseconds
        FROM order_line_facts FINAL
        WHERE $which AND rules = {rules:UInt64}
    ),
    known AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            since,
            until,
            first_day,
            arrayCount(d -> d <= since, steps.day) AS i,
            steps.due[i] AS due,
            steps.requested[i] AS requested,
            steps.quantity[i] AS ordered,
            steps.most[i] AS most,
            steps.out[i] AS out,
            steps.item_no[i] AS item_no,
            steps.uom[i] AS uom,
            steps.cancelled_by[i] AS cancelled_by,
            steps.any_cancellation[i] AS any_cancellation,
            $tolerance AS t,
            {early_days:Array(Int32)}[t] AS early,
            {late_days:Array(Int32)}[t] AS late,
            {under:Array(Decimal(9, 6))}[t] AS under,
            {over:Array(Decimal(9, 6))}[t] AS over,
            arrayFilter(r -> r.known_on <= since, receipts) AS came,
            arraySum(arrayMap(
                r -> if(r.returned_on <= since, r.quantity, 0::Decimal(38, 6)), returns))
                AS returned
        FROM chosen
        ARRAY JOIN days AS since, ends AS until
    ),
    added AS
    (
        SELECT
            *,
            i > 0 AND out = '' AS counts,
            due + late AS window_date,
            requested + late AS requested_window_date,
            ordered * (1 - under) AS least,
            most * (1 + over) AS most_allowed,
            arraySum(arrayMap(r -> r.quantity, came)) AS received,
            arraySum(arrayMap(
                r -> if(r.received_on <= due + late, r.quantity, 0::Decimal(38, 6)), came))
                AS received_by_due,
            arraySum(arrayMap(
                r -> if(r.received_on <= requested + late, r.quantity, 0::Decimal(38, 6)), came))
                AS received_by_requested,
            arraySum(arrayMap(
                r -> if(r.received_on < due - early, r.quantity, 0::Decimal(38, 6)), came))
                AS received_too_early,
            arraySum(arrayMap(
                r -> if(r.received_on < requested - early, r.quantity, 0::Decimal(38, 6)), came))
                AS received_too_early_requested,
            arrayUniq(arrayMap(r -> r.receipt_no, arrayFilter(
                r -> arraySum(arrayMap(
                    x -> if(x.receipt_no = r.receipt_no, x.quantity, 0::Decimal(38, 6)), came)) > 0,
                came))) AS receipts_left,
            -- Receipts by date fill the ordered quantity; what is missing counts until T.
            arrayMap(x -> least(ordered, x), arrayCumSum(arrayMap(r -> r.quantity, came)))
                AS filled_up_to,
            arrayPopBack(arrayPushFront(filled_up_to, 0::Decimal(38, 6))) AS filled_before,
            ordered - if(empty(filled_up_to), 0::Decimal(38, 6), filled_up_to[-1]) AS missing,
            arraySum(arrayMap(
                (r, upto, before) -> (upto - before)
                    * greatest(0, toInt32(r.received_on) - toInt32(due)),
                came, filled_up_to, filled_before)) AS days_late_filled,
            -- The first day by whose end all was there; 1970-01-01 where that never was.
            arrayFirst(
                day -> arraySum(arrayMap(
                    r -> if(r.received_on <= day, r.quantity, 0::Decimal(38, 6)), came)) >= least,
                arrayMap(r -> r.received_on, came)) AS completed_on
        FROM known
    ),
    by_state AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            arrayFlatten(groupArray(arrayFilter(
                -- What ends before its day comes never counts; only the backlog looks ahead.
                p -> p.5 > p.3 OR p.1 = 'backlog',
                arrayConcat(
                    if(counts, [(
                        'due', uom, window_date, since, until, ordered,
                        received_by_due >= least AND received_by_due <= most_allowed
                            AND received_too_early = 0,
                        least(ordered, received_by_due - received_too_early),
                        least(ordered, greatest(0::Decimal(38, 6), received - returned)),
                        days_late_filled, missing, missing * toInt32(due))], []),
                    if(counts, [(
                        'requested', '', requested_window_date, since, until, 0,
                        received_by_requested >= least AND received_by_requested <= most_allowed
                            AND received_too_early_requested = 0,
                        0, 0, 0, 0, 0)], []),
                    if(counts AND NOT any_cancellation AND received - returned < least, [(
                        'overdue', '', window_date, since, until, 0, 0, 0, 0, 0, 0, 0)], []),
                    if(counts AND received >= least AND notEmpty(came), [(
                        'completed', '', completed_on, since, until,
                        toInt32(completed_on) - toInt32(first_day), 0, 0, 0, 0, 0, 0)], []),
                    if(counts AND cancelled_by = '' AND received < ordered, [(
                        'backlog', item_no, due, since, until, ordered - received,
                        0, 0, 0, 0, 0, 0)], []),
                    if(i = 0 AND receipts_left > 0, [(
                        'orphan', '', since, since, until, receipts_left, 0, 0, 0, 0, 0, 0)], [])
                )))) AS parts
        FROM added
        GROUP BY supplier_id, buyer_id, order_no, line_no
    ),
    by_line AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            version,
            -- From when to when which unit and price were in force; none before the first version.
            arrayPushFront(
                arrayMap(s -> (s.day, s.uom, s.unit_price, s.currency), arrayFilter(
                    (s, n) -> n = 1
                        OR s.uom != steps.uom[n - 1] OR s.currency != steps.currency[n - 1]
                        OR ifNull(s.unit_price, -1) != ifNull(steps.unit_price[n - 1], -1),
                    steps, arrayEnumerate(steps))),
                (toDate32('1970-01-01'), '', NULL, '')) AS terms,
            arrayPushBack(arrayMap(x -> x.1, arrayPopFront(terms)), ever) AS terms_end,
            arrayFilter(p -> p.5 > p.4 AND p.5 > p.3, arrayConcat(
                if(
                    first_day < ever AND steps.out[1] = 'retroactive',
                    [('retroactive', '', first_day, first_day, ever,
                        0::Decimal(38, 6), 0, 0, 0, 0, 0, 0)],
                    []),
                if(
                    first_day = ever OR ifNull(
                        buyer_cancelled_at < first_at
                            + toIntervalHour({confirmation_hours:Int32}), 0),
                    [],
                    [
                        (
                            'asked', '', answer_due_on, first_day, ifNull(confirmed_day, ever),
                            -1::Decimal(38, 6), in_time, 0, 0, 0, 0, 0),
                        (
                            'asked', '', answer_due_on, ifNull(confirmed_day, ever), ever,
                            toDecimal128(microseconds, 6), in_time, 0, 0, 0, 0, 0)
                    ]),
                if(
                    first_day = ever OR isNull(confirmed_day),
                    [],
                    [('answered', '', assumeNotNull(confirmed_day), first_day, ever,
                        0::Decimal(38, 6), NOT confirmation_rejected, 0, 0, 0, 0, 0)]),
                arrayFlatten(arrayMap(
                    (x, ends_on) -> arrayMap(
                        r -> (
                            'received', x.2, r.received_on, greatest(r.known_on, x.1), ends_on,
                            r.quantity, 0, 0, 0, 0, 0, 0),
                        receipts),
                    terms, terms_end)),
                arrayFlatten(arrayMap(
                    (x, ends_on) -> arrayMap(
                        r -> (
                            'value', x.4, r.received_on, greatest(r.known_on, x.1), ends_on,
                            r.quantity, assumeNotNull(x.3), 0, 0, 0, 0, 0),
                        if(isNull(x.3), [], receipts)),
                    terms, terms_end))
            )) AS parts
        FROM chosen
    )
SELECT
    {rules:UInt64},
    l.supplier_id,
    l.buyer_id,
    'line',
    l.order_no,
    l.line_no,
    l.version,
    arrayConcat(
        CAST(l.parts, 'Array($part)'),
        CAST(s.parts, 'Array($part)'))
FROM by_line AS l
LEFT JOIN by_state AS s USING (supplier_id, buyer_id, order_no, line_no)
