-- Every order line $which names: its versions, confirmations and cancellations folded in their
-- order, with the line as it stood after each, and what was received and sent back of it.
-- `at` is the time as folded, kind 0 = placed or changed, 1 = confirmed, 2 = cancelled; the fields
-- stand so that sorting the tuples sorts the events as the fold takes them. What is known at T is
-- always a prefix of that order, so one fold serves every T.
-- A placed event is the whole order: for a line that it does not name it is a version that asks for
-- nothing (`off`). Quantities are in the smallest unit of the kind of the line's unit, so that every
-- factor is whole; a version in a unit of another kind (`conflict`) counts in nothing.
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
        -- A cancellation of the whole order (no line_no) names every line, also one added later.
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
            own_versions[1].at AS first_at,
            arrayFirst(e -> e.uom != '', own_versions) AS names_unit,
            names_unit.uom AS unit,
            $kind_of(unit) AS unit_kind,
            $factor_of(unit) AS unit_factor
        FROM by_order
        ARRAY JOIN lines AS line
        WHERE notEmpty(own_versions)
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
            -- What is timed before the first version is taken as if at that version's time.
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
                        p -> p.1 > first_at AND NOT has(
                            arrayMap(e -> (e.time, e.id, e.source), own_versions), p),
                        placed)),
                arrayMap(
                    e -> CAST(
                        (
                            greatest(e.at, first_at), e.kind, e.revision, e.time, e.id, e.source,
                            e.quantity, e.date, e.unit_price, 1, e.currency, e.item_no, e.uom,
                            e.status, 0, 0
                        ),
                        '$event'),
                    arrayConcat(own_others, of_the_order)))) AS history,
            history[1] AS first
        FROM with_units
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
            -- Before the version that names the unit is known, quantities are as they came.
            if(unit = '', length(history) + 1, arrayFirstIndex(
                e -> (e.kind, e.revision, e.time, e.id, e.source)
                    = (0, names_unit.revision, names_unit.time, names_unit.id, names_unit.source),
                history)) AS unit_from,
            -- A step is decided before it is taken: what the decision names (x, then d, then s) is
            -- worked out once, where writing it out in each field would multiply the expression.
            arrayFold(
                (states, e) -> arrayPushBack(states, arrayMap(
                    s -> CAST(
                        (
                            if(
                                s.takes OR s.same, (e.revision, e.time, e.id, e.source),
                                states[-1].version),
                            if(s.takes, s.asked, states[-1].asked),
                            s.quantity,
                            s.requested,
                            multiIf(
                                s.resets, s.requested,
                                s.confirms, s.promised,
                                states[-1].due),
                            if(s.resets OR s.confirms, (e.source, e.id), states[-1].due_set_by),
                            NOT s.resets AND (s.answers OR states[-1].confirmed),
                            NOT s.resets
                                AND ((s.answers AND NOT s.confirms) OR states[-1].rejected),
                            if(s.cancels, e.status, states[-1].cancelled_by),
                            if(s.cancels, e.at, states[-1].cancelled_at),
                            states[-1].any_cancellation OR e.kind = 2,
                            greatest(
                                states[-1].most,
                                if(e.kind = 0 AND NOT e.conflict, e.quantity, 0::Decimal(38, 6))),
                            multiIf(
                                e.conflict, 'unit_conflict',
                                s.same, 'same',
                                s.takes AND s.limited, 'short_notice',
                                s.takes OR s.answers OR s.cancels, 'counts',
                                s.belated, 'belated',
                                s.slips, 'before_itself',
                                'none')
                        ),
                        '$state'
                    ),
                    arrayMap(
                        d -> CAST(
                            (
                                d.takes,
                                d.same,
                                d.asked,
                                if(
                                    d.takes AND NOT (
                                        d.short_notice AND d.asked.quantity > states[-1].quantity),
                                    d.asked.quantity, states[-1].quantity) AS quantity,
                                if(
                                    d.takes AND NOT (
                                        d.short_notice AND d.asked.requested < states[-1].due),
                                    d.asked.requested, states[-1].requested) AS requested,
                                d.takes AND (requested != states[-1].requested OR d.stood_out),
                                d.answers,
                                d.answers AND e.status != 'rejected',
                                -- A date before the confirmation's own, or a year after the one that
                                -- was asked for, is a slip of the pen.
                                if(
                                    isNull(e.date) OR e.date < toDate32(e.time, {zone:String})
                                        OR toInt32(assumeNotNull(e.date))
                                            - toInt32(states[-1].requested) > 365,
                                    states[-1].requested, assumeNotNull(e.date)),
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
                            x -> CAST(
                                (
                                    x.higher AND NOT x.same AND if(
                                        x.stood_out AND x.asked.quantity > 0,
                                        -- What brings a line back has nothing to miss.
                                        x.asked.requested >= x.dated, NOT x.missed),
                                    x.higher AND x.same,
                                    x.asked,
                                    x.stood_out,
                                    NOT (x.stood_out AND x.asked.quantity > 0) AND x.dated > if(
                                        x.asked.requested != states[-1].requested
                                            AND x.asked.requested < states[-1].due,
                                        x.asked.requested, states[-1].due) - {notice_days:Int32},
                                    e.kind = 1 AND x.open AND NOT x.missed
                                        AND NOT states[-1].confirmed,
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
                                a -> CAST(
                                    (
                                        toDate32(e.at, {zone:String}) AS dated,
                                        a,
                                        states[-1].cancelled_by = '' AS open,
                                        -- Once missed, stays missed.
                                        dated > states[-1].due
                                            + {late_days:Array(Int32)}[$tolerance_in_force],
                                        states[-1].rejected OR states[-1].quantity = 0,
                                        e.kind = 0 AND open AND NOT e.conflict
                                            AND (e.revision, e.time, e.id, e.source)
                                                > states[-1].version,
                                        a.item_no = states[-1].asked.item_no
                                            AND a.quantity = states[-1].asked.quantity
                                            AND a.requested = states[-1].asked.requested
                                            AND a.currency = states[-1].asked.currency
                                            AND isNull(a.unit_price)
                                                = isNull(states[-1].asked.unit_price)
                                            -- A price is of one unit: across units, by both scales.
                                            AND ifNull(a.unit_price, 0) * states[-1].asked.price_scale
                                                = ifNull(states[-1].asked.unit_price, 0)
                                                    * a.price_scale
                                    ),
                                    'Tuple(
                                        dated Date32, asked $asked, open UInt8, missed UInt8,
                                        stood_out UInt8, higher UInt8, same UInt8)'),
                                [if(
                                    e.off OR e.kind != 0,
                                    CAST(
                                        (
                                            states[-1].asked.item_no, 0,
                                            states[-1].asked.unit_price,
                                            states[-1].asked.price_scale,
                                            states[-1].asked.currency, states[-1].asked.requested
                                        ),
                                        '$asked'),
                                    CAST(
                                        (
                                            e.item_no, e.quantity, e.unit_price, e.price_scale,
                                            ifNull(e.currency, states[-1].asked.currency),
                                            ifNull(e.date, states[-1].requested)
                                        ),
                                        '$asked'))]))))[1]),
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
            ) AS states,
            toDate32(first.time, {zone:String}) AS first_day,
            arrayFilter(e -> e.kind = 1, history) AS confirmations,
            arrayMin(arrayMap(
                e -> e.time,
                arrayFilter(
                    e -> (e.kind = 2 AND e.status = 'buyer')
                        OR (e.kind = 0 AND e.quantity = 0 AND NOT e.conflict),
                    history)
            )) AS called_off_at
        FROM sorted
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
            f.history AS history,
            f.first AS first,
            f.unit AS unit,
            f.unit_factor AS unit_factor,
            f.unit_from AS unit_from,
            if(empty(history), toDate32('2299-12-31'), f.first_day) AS line_day,
            ifNull(first.date, toDate32('1970-01-01')) AS asked_first,
            f.states AS states,
            f.confirmations AS confirmations,
            f.called_off_at AS called_off_at,
            r.receipts AS receipts,
            r.made_of AS made_of,
            -- Where the buyer closed the line short, or goods came before the order, what was
            -- received moves how the line stands: such a receipt is a step of it, too.
            arrayExists(s -> s.cancelled_by = 'buyer', states)
                OR arrayExists(x -> x.1 < line_day, receipts) AS moved,
            arraySort(x -> (x.1, x.2), arrayConcat(
                arrayMap(
                    (e, at) -> (toDate32(e.at, {zone:String}), at, e.source, e.id),
                    history, arrayEnumerate(history)),
                arrayMap(
                    day -> (day, length(history) + 1, '', ''),
                    if(
                        notEmpty(history) AND moved,
                        arrayFilter(
                            day -> day >= line_day, arrayDistinct(arrayMap(x -> x.2, receipts))),
                        [])))) AS places
        FROM folded AS f
        FULL JOIN received AS r USING (supplier_id, buyer_id, order_no, line_no)
    ),
    standing AS
    (
        SELECT
            *,
            -- By each of those days the last event that was known, and what was received.
            arrayMap(
                (p, upto) -> (p.1, least(p.2, upto)),
                places,
                arrayMap(p -> arrayCount(e -> toDate32(e.at, {zone:String}) <= p.1, history), places))
                AS known
        FROM whole
    )
SELECT
    {rules:UInt64},
    w.supplier_id,
    w.buyer_id,
    w.order_no,
    w.line_no,
    length(w.history) + w.made_of + b.made_of,
    w.first.time,
    w.line_day,
    w.asked_first,
    if(empty(w.confirmations), NULL, w.confirmations[1].time),
    if(empty(w.confirmations), NULL, toDate32(w.confirmations[1].time, {zone:String})),
    w.confirmations[1].status = 'rejected',
    if(toUnixTimestamp64Micro(w.called_off_at) = 0, NULL, w.called_off_at),
    arrayMap(
        k -> arrayMap(
            (s, closed, came_before, scale) -> (
                k.1, s.due, s.requested, closed / scale, s.most / scale,
                multiIf(
                    w.asked_first < w.line_day OR came_before, 'retroactive',
                    s.cancelled_by = 'buyer' AND closed = 0, 'cancelled',
                    s.rejected, 'rejected',
                    closed = 0, 'zero',
                    ''),
                s.cancelled_by, s.any_cancellation, s.asked.unit_price, s.asked.price_scale / scale,
                s.asked.currency, s.asked.item_no, if(k.2 >= w.unit_from, w.unit, ''), s.version.1,
                s.confirmed, s.due_set_by, s.effect),
            [w.states[k.2]],
            [if(
                w.states[k.2].cancelled_by = 'buyer',
                least(
                    w.states[k.2].quantity,
                    arraySum(arrayMap(
                        x -> if(
                            x.2 <= k.1 AND x.5 <= w.states[k.2].cancelled_at,
                            x.3, 0::Decimal(38, 6)),
                        w.receipts))
                        * if(k.2 >= w.unit_from, 1, w.unit_factor)),
                w.states[k.2].quantity)],
            [w.moved AND arraySum(arrayMap(
                x -> if(x.2 <= k.1 AND x.1 < w.line_day, x.3, 0::Decimal(38, 6)), w.receipts)) > 0],
            [if(k.2 >= w.unit_from, 1, w.unit_factor)])[1],
        w.known),
    w.receipts,
    b.returns,
    arrayMap(p -> (p.1, p.3, p.4), w.places)
FROM standing AS w
LEFT JOIN sent_back AS b USING (supplier_id, buyer_id, order_no, line_no)
