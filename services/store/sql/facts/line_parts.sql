-- What does each of these order lines add to the figures, and for which dates?
-- Between two days on which something about a line became known it adds the same at every T, so its
-- parts are computed once for each such day.
-- Quantities are in the smallest unit of the kind of the unit in the label, as in the facts.
-- due: day = due date + late tolerance; a = ordered, b = on time in full, c = on-time quantity,
--   d = filled, e = quantity x days late of what was received, f = still missing, g = f x due date
--   (days since 1970), so that the days late at T are e + f x T - g; label = unit.
-- requested: day = requested date + late tolerance; b = on time in full.
-- overdue: day = due date + late tolerance.
-- completed: day = that of the completing receipt; a = days since the first version.
-- backlog: day = due date; a = still to come; label = unit, line break, item.
-- orphan: day = when it became known; a = receipts without an order line.
-- asked: day = end of the time to confirm; a = microseconds until the confirmation, -1 without one;
--   b = in time.
-- answered: day = first confirmation; b = not rejected.
-- retroactive: day = first version.
-- received: day = receipt; a = quantity; label = unit.
-- value: day = receipt; a = quantity, b = price; label = currency, line break, the number of smallest
--   units that the price is for.
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
                arrayMap(r -> r.known_on, returns)))) AS days,
            arrayPopFront(arrayPushBack(days, ever)) AS ends,
            toDate32(first_at + toIntervalHour({confirmation_hours:Int32}), {zone:String})
                AS answer_due_on,
            ifNull(
                confirmed_at <= first_at + toIntervalHour({confirmation_hours:Int32}), 0)
                AS in_time,
            greatest(
                0,
                toUnixTimestamp64Micro(ifNull(confirmed_at, first_at))
                    - toUnixTimestamp64Micro(first_at)) AS microseconds,
            -- The spans of days in which a unit and a price are in force; none before the first version.
            arrayPushFront(
                arrayMap(
                    s -> (
                        s.day, s.uom, s.unit_price,
                        concat(s.currency, '\n', toString(s.price_scale))),
                    arrayFilter(
                        (s, n) -> n = 1
                            OR s.uom != steps.uom[n - 1] OR s.currency != steps.currency[n - 1]
                            OR s.price_scale != steps.price_scale[n - 1]
                            OR ifNull(s.unit_price, -1) != ifNull(steps.unit_price[n - 1], -1),
                        steps, arrayEnumerate(steps))),
                (toDate32('1900-01-01'), '', NULL, '')) AS terms,
            arrayPushBack(arrayMap(x -> x.1, arrayPopFront(terms)), ever) AS terms_end,
            -- The spans of days in which the line is retroactive or not: mostly one span.
            if(
                arrayUniq(arrayMap(x -> x = 'retroactive', steps.out)) < 2,
                [(first_day, ever, steps.out[1] = 'retroactive')],
                arrayMap(
                    (s, ends_on) -> (s.day, ends_on, s.out = 'retroactive'),
                    steps, arrayPushBack(arrayPopFront(steps.day), ever))) AS spans
        FROM order_line_facts FINAL
        WHERE $which AND rules = {rules:UInt64}
    ),
    by_line AS
    (
        SELECT
            *,
            0::Decimal(38, 6) AS nil,
            arrayConcat(
                arrayFlatten(arrayMap(
                    x -> arrayFilter(
                        (p, stands) -> stands AND p.until > p.since AND p.until > p.day,
                        CAST(
                            [
                                (
                                    'retroactive', '', first_day, x.1, x.2,
                                    nil, nil, nil, nil, nil, nil, nil),
                                (
                                    'asked', '', answer_due_on, x.1, least(x.2, answered_on),
                                    -1::Decimal(38, 6), in_time::Decimal(38, 6),
                                    nil, nil, nil, nil, nil),
                                (
                                    'asked', '', answer_due_on, greatest(x.1, answered_on), x.2,
                                    toDecimal128(microseconds, 6), in_time::Decimal(38, 6),
                                    nil, nil, nil, nil, nil),
                                (
                                    'answered', '', answered_on, x.1, x.2,
                                    nil, (NOT confirmation_rejected)::Decimal(38, 6),
                                    nil, nil, nil, nil, nil)
                            ],
                            'Array($part)'),
                        [
                            x.3, asks AND NOT x.3, asks AND NOT x.3,
                            isNotNull(confirmed_day) AND NOT x.3
                        ]),
                    if(first_day < ever, spans, []))),
                arrayFlatten(arrayMap(
                    (x, ends_on) -> arrayFlatten(arrayMap(
                        r -> arrayFilter(
                            p -> p.family = 'received' OR isNotNull(x.3),
                            CAST(
                                [
                                    (
                                        'received', if(x.1 < first_day, r.orphan_unit, x.2),
                                        r.received_on, greatest(r.known_on, x.1),
                                        ends_on, r.quantity, nil, nil, nil, nil, nil, nil),
                                    (
                                        'value', x.4, r.received_on, greatest(r.known_on, x.1),
                                        ends_on, r.quantity, ifNull(x.3, nil),
                                        nil, nil, nil, nil, nil)
                                ],
                                'Array($part)')),
                        arrayFilter(
                            r -> ends_on > r.received_on AND ends_on > r.known_on AND ends_on > x.1,
                            receipts))),
                    terms, terms_end))) AS own,
            ifNull(confirmed_day, ever) AS answered_on,
            first_day < ever AND NOT ifNull(
                called_off_at < first_at + toIntervalHour({confirmation_hours:Int32}), 0)
                AS asks
        FROM chosen
    ),
    known AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            version,
            own_parts,
            nil,
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
            arrayFilter(r -> r.known_on <= since, returns) AS went,
            arraySum(arrayMap(r -> r.quantity, went)) AS returned,
            -- In the order in which goods moved; a return sorts before a receipt of the same instant.
            arraySort(arrayConcat(
                arrayMap(r -> (r.received_at, r.received_on, r.quantity), came),
                arrayMap(r -> (r.returned_at, r.returned_on, -r.quantity), went))) AS moves
        FROM by_line
        LEFT ARRAY JOIN
            days AS since, ends AS until,
            -- Parts that do not change from day to day are attached to the first day only.
            arrayResize([own], length(days)) AS own_parts
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
            -- The quantity on hand after all moves of one instant, with its day.
            arrayFilter(
                (house, move, next) -> move.1 != next,
                arrayMap((held, move) -> (move.2, held), arrayCumSum(arrayMap(m -> m.3, moves)), moves),
                moves,
                arrayPopFront(arrayPushBack(
                    arrayMap(m -> m.1, moves), toDateTime64(0, 6, 'UTC'))))
                AS houses,
            arrayUniq(arrayMap(r -> r.receipt_no, arrayFilter(
                r -> arraySum(arrayMap(
                    x -> if(x.receipt_no = r.receipt_no, x.quantity, 0::Decimal(38, 6)), came)) > 0,
                came))) AS receipts_left,
            -- Receipts fill the ordered quantity in order of date; what is missing is late until T.
            arrayMap(x -> least(ordered, x), arrayCumSum(arrayMap(r -> r.quantity, came)))
                AS filled_up_to,
            arrayPopBack(arrayPushFront(filled_up_to, 0::Decimal(38, 6))) AS filled_before,
            ordered - if(empty(filled_up_to), 0::Decimal(38, 6), filled_up_to[-1]) AS missing,
            arraySum(arrayMap(
                (r, upto, before) -> (upto - before)
                    * greatest(0, toInt32(r.received_on) - toInt32(due)),
                came, filled_up_to, filled_before)) AS days_late_filled,
            -- The first day by whose end everything had come; 1970-01-01 if it never did.
            arrayFirst(
                day -> arraySum(arrayMap(
                    r -> if(r.received_on <= day, r.quantity, 0::Decimal(38, 6)), came)) >= least,
                arrayMap(r -> r.received_on, came)) AS completed_on
        FROM known
    )
SELECT
    {rules:UInt64},
    supplier_id,
    buyer_id,
    'line',
    order_no,
    line_no,
    any(version),
    arrayFlatten(groupArray(arrayConcat(
        own_parts,
        arrayFilter(
            -- A part that ends before its day never counts; only the backlog looks ahead.
            (p, stands) -> stands AND (p.until > p.day OR p.family = 'backlog'),
            -- One array per field with a place for each family is far cheaper than one tuple per
            -- family. Fields that only the first families use are 0 in the others.
            CAST(
                arrayZip(
                    ['due', 'requested', 'overdue', 'completed', 'backlog', 'orphan'],
                    [uom, '', '', '', concat(uom, '\n', item_no), ''],
                    [window_date, requested_window_date, window_date, completed_on, due, since],
                    arrayWithConstant(6, since),
                    arrayWithConstant(6, until),
                    [
                        ordered, nil, nil,
                        toDecimal128(toInt32(completed_on) - toInt32(first_day), 6),
                        ordered - received, toDecimal128(receipts_left, 6)
                    ],
                    arrayResize(
                        [
                            received_by_due >= least AND received_too_early = 0
                                AND NOT arrayExists(
                                    h -> h.1 <= window_date AND h.2 > most_allowed, houses),
                            received_by_requested >= least AND received_too_early_requested = 0
                                AND NOT arrayExists(
                                    h -> h.1 <= requested_window_date AND h.2 > most_allowed, houses)
                        ],
                        6),
                    arrayResize([least(ordered, received_by_due - received_too_early)], 6),
                    arrayResize([least(ordered, greatest(nil, received - returned))], 6),
                    arrayResize([days_late_filled], 6),
                    arrayResize([missing], 6),
                    arrayResize([missing * toInt32(due)], 6)),
                'Array($part)'),
            [
                counts, counts, counts AND NOT any_cancellation AND received - returned < least,
                counts AND received >= least AND notEmpty(came),
                counts AND cancelled_by = '' AND received < ordered, i = 0 AND receipts_left > 0
            ]))))
FROM added
GROUP BY supplier_id, buyer_id, order_no, line_no
