-- How does each of these order lines stand after each of its events, and what came and was returned?
-- Its versions, confirmations and cancellations are folded in order. `at` is the time by which an
-- event is folded; kind 0 = placed or changed, 1 = confirmed, 2 = cancelled. The fields of an event
-- are arranged so that sorting the tuples gives the order of the fold. What is known at T is always a
-- prefix of that order, so one fold serves every T.
-- A placed event is the whole order: for a line that it does not name, it is a version that asks for
-- nothing (`off`). Quantities are in the smallest unit of the kind of the line's unit, so that every
-- factor is an integer; a version in a unit of another kind (`conflict`) counts in nothing.
-- `effect` says what an event does: counts; same (asks for what was asked for last); short_notice
-- (counts in part); belated (after due date + late tolerance); before_itself (would bring the line back
-- for a day before the event's own); unit_conflict; none (older than the version in force, on a line
-- that is already answered, or after the line's end).
INSERT INTO order_line_facts
WITH
    versions AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no, time, revision, event_id, source, quantity,
            requested_date, unit_price, currency, item_no, ifNull(toString(uom), '') AS uom
        FROM order_versions
        WHERE $which
    ),
    named AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no,
            CAST(
                (
                    time, 0, revision, time, event_id, source, quantity,
                    toNullable(requested_date), unit_price, 1, currency, item_no, uom, '', 0, 0
                ),
                '$event'
            ) AS event
        FROM versions
        UNION ALL
        SELECT
            supplier_id, buyer_id, order_no, line_no,
            CAST(
                (
                    time, 1, 0, time, event_id, source, 0, confirmed_date, NULL, 1, NULL, '', '',
                    status, 0, 0
                ),
                '$event'
            )
        FROM order_confirmations
        WHERE $which
        UNION ALL
        SELECT
            supplier_id, buyer_id, order_no, line_no,
            CAST(
                (
                    time, 2, 0, time, event_id, source, 0, NULL, NULL, 1, NULL, '', '',
                    cancelled_by, 0, 0
                ),
                '$event'
            )
        FROM order_cancellations
        WHERE $which
    ),
    by_line AS
    (
        -- A cancellation of the whole order (no line_no) applies to every line, also one added later.
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            groupUniqArray(event) AS own_events
        FROM named
        GROUP BY supplier_id, buyer_id, order_no, line_no
    ),
    by_order AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            arrayFlatten(groupArrayIf(own_events, line_no = '')) AS of_the_order,
            arrayDistinct(arrayFlatten(groupArray(arrayMap(
                e -> (e.time, e.id, e.source),
                arrayFilter(e -> e.kind = 0 AND e.revision = 0, own_events))))) AS placed,
            groupArrayIf((line_no, own_events), line_no != '') AS lines
        FROM by_line
        GROUP BY supplier_id, buyer_id, order_no
    ),
    with_units AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line.1 AS line_no,
            of_the_order,
            placed,
            arraySort(
                e -> (e.time, e.revision, e.id, e.source),
                arrayFilter(e -> e.kind = 0, line.2)) AS own_versions,
            arrayFilter(e -> e.kind != 0, line.2) AS own_others,
            arrayFirst(e -> e.uom != '', own_versions) AS names_unit
        FROM by_order
        ARRAY JOIN lines AS line
        WHERE notEmpty(own_versions)
    ),
    scaled AS
    (
        SELECT
            *,
            own_versions[1].at AS first_at,
            names_unit.uom AS unit,
            $kind_of(unit) AS unit_kind,
            $factor_of(unit) AS unit_factor,
            arrayMap(e -> (e.time, e.id, e.source), own_versions) AS named_by
        FROM with_units
    ),
    sorted AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            unit,
            unit_factor,
            names_unit,
            -- An event timed before the first version is folded as if at that version's time.
            arraySort(arrayConcat(
                arrayMap(
                    e -> CAST(
                        (
                            e.at, 0, e.revision, e.time, e.id, e.source,
                            e.quantity * if(e.uom = '', unit_factor, $factor_of(e.uom)), e.date,
                            e.unit_price, if(e.uom = '', unit_factor, $factor_of(e.uom)),
                            e.currency, e.item_no, e.uom, '', 0,
                            e.uom != '' AND $kind_of(e.uom) != unit_kind
                        ),
                        '$event'),
                    own_versions),
                arrayMap(
                    p -> CAST(
                        (p.1, 0, 0, p.1, p.2, p.3, 0, NULL, NULL, 1, NULL, '', '', '', 1, 0),
                        '$event'),
                    arrayFilter(
                        p -> p.1 > first_at AND NOT has(named_by, p), placed)),
                arrayMap(
                    e -> CAST(
                        (
                            greatest(e.at, first_at), e.kind, e.revision, e.time, e.id, e.source,
                            e.quantity, e.date, e.unit_price, 1, e.currency, e.item_no, e.uom,
                            e.status, 0, 0
                        ),
                        '$event'),
                    arrayConcat(own_others, of_the_order)))) AS history
        FROM scaled
    ),
    begun AS
    (
        SELECT *, history[1] AS first
        FROM sorted
    ),
    folded AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            history,
            first,
            unit,
            unit_factor,
            -- Until the version that names the unit is known, quantities are as sent.
            if(unit = '', length(history) + 1, arrayFirstIndex(
                e -> (e.kind, e.revision, e.time, e.id, e.source)
                    = (0, names_unit.revision, names_unit.time, names_unit.id, names_unit.source),
                history)) AS unit_from,
            -- An event is decided in stages (x, then d, then s), so that each intermediate value is
            -- computed once; writing it out in each field would multiply the expression. p is the
            -- state before the event.
            arrayFold(
                (states, e) -> arrayPushBack(states, arrayMap(
                    (s, p) -> CAST(
                        (
                            if(
                                s.takes OR s.same, (e.revision, e.time, e.id, e.source),
                                p.version),
                            if(s.takes, s.asked, p.asked),
                            s.quantity,
                            s.requested,
                            multiIf(
                                s.resets, s.requested,
                                s.confirms, s.promised,
                                p.due),
                            if(s.resets OR s.confirms, (e.source, e.id), p.due_set_by),
                            NOT s.resets AND (s.answers OR p.confirmed),
                            NOT s.resets
                                AND ((s.answers AND NOT s.confirms) OR p.rejected),
                            if(s.cancels, e.status, p.cancelled_by),
                            if(s.cancels, e.at, p.cancelled_at),
                            p.any_cancellation OR e.kind = 2,
                            greatest(
                                p.most,
                                if(e.kind = 0 AND NOT e.conflict, e.quantity, 0::Decimal(38, 6))),
                            multiIf(
                                e.conflict, 'unit_conflict',
                                s.same, 'same',
                                s.takes AND s.limited, 'short_notice',
                                s.takes OR s.answers OR s.cancels, 'counts',
                                s.slips, 'before_itself',
                                s.belated, 'belated',
                                'none')
                        ),
                        '$state'
                    ),
                    arrayMap(
                        (d, p) -> CAST(
                            (
                                d.takes,
                                d.same,
                                d.asked,
                                if(
                                    d.takes AND NOT (
                                        d.short_notice AND d.asked.quantity > p.quantity),
                                    d.asked.quantity, p.quantity) AS quantity,
                                if(
                                    d.takes AND NOT (
                                        d.short_notice AND d.asked.requested < p.due),
                                    d.asked.requested, p.requested) AS requested,
                                d.takes AND (requested != p.requested OR d.stood_out),
                                d.answers,
                                d.answers AND e.status != 'rejected',
                                -- A date before the confirmation's own, or over a year after the
                                -- requested one, is a typing error: the requested date counts.
                                if(
                                    isNull(e.date) OR e.date < toDate32(e.time, {zone:String})
                                        OR toInt32(assumeNotNull(e.date))
                                            - toInt32(p.requested) > 365,
                                    p.requested, assumeNotNull(e.date)),
                                d.cancels,
                                quantity != d.asked.quantity OR requested != d.asked.requested,
                                d.belated,
                                d.slips
                            ),
                            'Tuple(
                                takes UInt8, same UInt8, asked $asked, quantity Decimal(38, 6),
                                requested Date32, resets UInt8, answers UInt8, confirms UInt8,
                                promised Date32, cancels UInt8, limited UInt8, belated UInt8,
                                slips UInt8)'
                        ),
                        arrayMap(
                            (x, p) -> CAST(
                                (
                                    x.higher AND NOT x.same AND if(
                                        x.stood_out AND x.asked.quantity > 0,
                                        -- For a version that brings a line back, no due date is missed.
                                        x.asked.requested >= x.dated, NOT x.missed),
                                    x.higher AND x.same,
                                    x.asked,
                                    x.stood_out,
                                    NOT (x.stood_out AND x.asked.quantity > 0) AND x.dated > if(
                                        x.asked.requested != p.requested
                                            AND x.asked.requested < p.due,
                                        x.asked.requested, p.due) - {notice_days:Int32},
                                    e.kind = 1 AND x.open AND NOT x.missed
                                        AND NOT p.confirmed,
                                    e.kind = 2 AND x.open AND NOT x.missed,
                                    x.open AND x.missed,
                                    x.higher AND x.stood_out AND x.asked.quantity > 0
                                        AND x.asked.requested < x.dated
                                ),
                                'Tuple(
                                    takes UInt8, same UInt8, asked $asked, stood_out UInt8,
                                    short_notice UInt8, answers UInt8, cancels UInt8,
                                    belated UInt8, slips UInt8)'
                            ),
                            arrayMap(
                                (a, p) -> CAST(
                                    (
                                        toDate32(e.at, {zone:String}) AS dated,
                                        a,
                                        p.cancelled_by = '' AS open,
                                        -- A line that is missed once stays missed.
                                        dated > p.due
                                            + {late_days:Array(Int32)}[$tolerance_in_force],
                                        p.rejected OR p.quantity = 0,
                                        e.kind = 0 AND open AND NOT e.conflict
                                            AND (e.revision, e.time, e.id, e.source)
                                                > p.version,
                                        a.item_no = p.asked.item_no
                                            AND a.quantity = p.asked.quantity
                                            AND a.requested = p.asked.requested
                                            AND a.currency = p.asked.currency
                                            AND isNull(a.unit_price)
                                                = isNull(p.asked.unit_price)
                                            -- A price is per unit: both scales make prices comparable.
                                            AND ifNull(a.unit_price, 0) * p.asked.price_scale
                                                = ifNull(p.asked.unit_price, 0)
                                                    * a.price_scale
                                    ),
                                    'Tuple(
                                        dated Date32, asked $asked, open UInt8, missed UInt8,
                                        stood_out UInt8, higher UInt8, same UInt8)'),
                                arrayMap(
                                    p -> if(
                                        e.off OR e.kind != 0,
                                        CAST(
                                            (
                                                p.asked.item_no, 0, p.asked.unit_price,
                                                p.asked.price_scale, p.asked.currency,
                                                p.asked.requested
                                            ),
                                            '$asked'),
                                        CAST(
                                            (
                                                e.item_no, e.quantity, e.unit_price, e.price_scale,
                                                ifNull(e.currency, p.asked.currency),
                                                ifNull(e.date, p.requested)
                                            ),
                                            '$asked')),
                                    [states[-1]]),
                                [states[-1]]),
                            [states[-1]]),
                        [states[-1]]),
                    [states[-1]])[1]),
                arrayPopFront(history),
                [CAST(
                    (
                        (first.revision, first.time, first.id, first.source),
                        (
                            first.item_no, first.quantity, first.unit_price, first.price_scale,
                            ifNull(first.currency, 'IDR'), assumeNotNull(first.date)
                        ),
                        first.quantity, assumeNotNull(first.date), assumeNotNull(first.date),
                        (first.source, first.id), 0, 0, '', toDateTime64(0, 6, 'UTC'), 0,
                        first.quantity, 'counts'
                    ),
                    '$state'
                )]
            ) AS states
        FROM begun
    ),
    -- Few columns are handed on: the planner writes out the type of each one at every stage.
    told AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            first.time AS first_at,
            toDate32(first.time, {zone:String}) AS first_day,
            assumeNotNull(first.date) AS asked_first,
            arrayFirst(e -> e.kind = 1, history) AS answer,
            arrayMin(arrayMap(
                e -> e.time,
                arrayFilter(
                    e -> (e.kind = 2 AND e.status = 'buyer')
                        OR (e.kind = 0 AND e.quantity = 0 AND NOT e.conflict),
                    history)
            )) AS called_off_at,
            arrayMap(e -> (toDate32(e.at, {zone:String}), e.source, e.id), history) AS events,
            arrayMap(
                (e, s, at, scale) -> CAST(
                    (
                        toDate32(e.at, {zone:String}), s.due, s.requested, s.quantity / scale,
                        s.most / scale, if(s.rejected, 'rejected', ''), s.cancelled_by,
                        s.any_cancellation, s.asked.unit_price, s.asked.price_scale / scale,
                        s.asked.currency, s.asked.item_no, if(at >= unit_from, unit, ''),
                        s.version.1, s.confirmed, s.due_set_by, s.effect
                    ),
                    '$step'),
                history, states, arrayEnumerate(history),
                arrayMap(at -> if(at >= unit_from, 1, unit_factor), arrayEnumerate(history)))
                AS steps,
            arrayMap(s -> s.cancelled_at, states) AS closed_at
        FROM folded
    ),
    received AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            arraySort(arrayFlatten(groupArray(arrayMap(
                n -> (
                    received_on, n.known_on, n.quantity, receipt_no, received_at, orphan_unit),
                net)))) AS receipts,
            toUInt32(sum(version)) AS made_of
        FROM
        (
            SELECT *
            FROM receipt_facts FINAL
            WHERE $which AND rules = {rules:UInt64}
        )
        GROUP BY supplier_id, buyer_id, order_no, line_no
    ),
    sent_back AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            arraySort(arrayFlatten(groupArray(arrayMap(
                n -> (returned_on, n.known_on, n.quantity, return_no, returned_at), net))))
                AS returns,
            toUInt32(sum(version)) AS made_of
        FROM
        (
            SELECT *
            FROM return_facts FINAL
            WHERE $which AND rules = {rules:UInt64}
        )
        GROUP BY supplier_id, buyer_id, order_no, line_no
    ),
    whole AS
    (
        SELECT
            if(notEmpty(f.line_no), f.supplier_id, r.supplier_id) AS supplier_id,
            if(notEmpty(f.line_no), f.buyer_id, r.buyer_id) AS buyer_id,
            if(notEmpty(f.line_no), f.order_no, r.order_no) AS order_no,
            if(notEmpty(f.line_no), f.line_no, r.line_no) AS line_no,
            f.first_at AS first_at,
            if(empty(f.steps), toDate32('2299-12-31'), f.first_day) AS line_day,
            if(empty(f.steps), toDate32('1970-01-01'), f.asked_first) AS asked_first,
            f.answer AS answer,
            f.called_off_at AS called_off_at,
            f.events AS events,
            -- Receipts that are steps come and go, so they must not count in the fact's version.
            toUInt32(length(f.events)) AS event_count,
            f.steps AS steps,
            f.closed_at AS closed_at,
            r.receipts AS receipts,
            r.made_of AS made_of,
            -- If the buyer closed the line short, or goods came before the order, receipts change
            -- how the line stands: the day of such a receipt is a step, too.
            notEmpty(f.steps) AND arrayExists(x -> x.1 < f.first_day, r.receipts) AS came_first,
            if(
                came_first OR has(f.steps.cancelled_by, 'buyer'),
                arrayFilter(
                    day -> day >= f.first_day AND notEmpty(f.steps),
                    arrayDistinct(arrayMap(x -> x.2, r.receipts))),
                []) AS moved_on
        FROM told AS f
        FULL JOIN received AS r USING (supplier_id, buyer_id, order_no, line_no)
    ),
    placed AS
    (
        SELECT
            *,
            -- Of each step: its day, the index of the last event by then, whether it is that event.
            arraySort(arrayConcat(
                arrayMap((e, at) -> (e.1, at, 1), events, arrayEnumerate(events)),
                arrayMap(
                    day -> (day, toUInt32(arrayCount(e -> e.1 <= day, events)), 0),
                    moved_on))) AS places
        FROM whole
    ),
    stepped AS
    (
        SELECT
            * EXCEPT (steps, closed_at, events),
            arrayMap(p -> steps[p.2], places) AS steps,
            arrayMap(p -> closed_at[p.2], places) AS closed_at,
            arrayMap(p -> if(p.3, events[p.2], (p.1, '', '')), places) AS events
        FROM placed
    ),
    moved AS
    (
        SELECT
            * EXCEPT (places),
            arrayMap(
                (p, s, closed) -> if(
                    s.cancelled_by = 'buyer',
                    least(
                        s.quantity,
                        arraySum(arrayMap(
                            x -> if(x.2 <= p.1 AND x.5 <= closed, x.3, 0::Decimal(38, 6)), receipts))),
                    s.quantity),
                places, steps, closed_at) AS quantities,
            arrayMap(
                p -> asked_first < line_day OR (came_first AND arraySum(arrayMap(
                    x -> if(x.2 <= p.1 AND x.1 < line_day, x.3, 0::Decimal(38, 6)), receipts)) > 0),
                places) AS afterwards
        FROM stepped
    )
SELECT
    {rules:UInt64},
    w.supplier_id,
    w.buyer_id,
    w.order_no,
    w.line_no,
    w.event_count + w.made_of + b.made_of,
    w.first_at,
    w.line_day,
    w.asked_first,
    if(w.answer.kind = 0, NULL, w.answer.time),
    if(w.answer.kind = 0, NULL, toDate32(w.answer.time, {zone:String})),
    w.answer.status = 'rejected',
    if(toUnixTimestamp64Micro(w.called_off_at) = 0, NULL, w.called_off_at),
    arrayMap(
        (s, e, quantity, late) -> CAST(
            (
                e.1, s.due, s.requested, quantity, s.most,
                multiIf(
                    late, 'retroactive',
                    s.cancelled_by = 'buyer' AND quantity = 0, 'cancelled',
                    s.out != '', s.out,
                    quantity = 0, 'zero',
                    ''),
                s.cancelled_by, s.any_cancellation, s.unit_price, s.price_scale, s.currency,
                s.item_no, s.uom, s.revision, s.confirmed, s.due_set_by, s.effect
            ),
            '$step'),
        w.steps, w.events, w.quantities, w.afterwards),
    w.receipts,
    b.returns,
    w.events
FROM moved AS w
LEFT JOIN sent_back AS b USING (supplier_id, buyer_id, order_no, line_no)
