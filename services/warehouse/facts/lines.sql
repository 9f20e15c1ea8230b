-- Every order line $which names: its versions, confirmations and cancellations folded in their
-- order, with the line as it stood after each, and what was received and sent back of it.
-- `at` is the time as folded, kind 0 = placed or changed, 1 = confirmed, 2 = cancelled; the fields
-- stand so that sorting the tuples sorts the events as the fold takes them. What is known at T is
-- always a prefix of that order, so one fold serves every T.
INSERT INTO order_line_facts
WITH
    named AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no,
            CAST(
                (
                    time, 0, revision, time, event_id, source, quantity,
                    toNullable(requested_date), unit_price, currency, item_no, uom, ''
                ),
                '$event'
            ) AS event
        FROM order_versions
        WHERE $which
        UNION ALL
        SELECT
            supplier_id, buyer_id, order_no, line_no,
            CAST(
                (time, 1, 0, time, event_id, source, 0, confirmed_date, NULL, NULL, '', NULL, status),
                '$event'
            )
        FROM order_confirmations
        WHERE $which
        UNION ALL
        SELECT
            supplier_id, buyer_id, order_no, line_no,
            CAST(
                (time, 2, 0, time, event_id, source, 0, NULL, NULL, NULL, '', NULL, cancelled_by),
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
            groupArrayIf((line_no, own_events), line_no != '') AS lines
        FROM by_line
        GROUP BY supplier_id, buyer_id, order_no
    ),
    sorted AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line.1 AS line_no,
            arrayConcat(line.2, of_the_order) AS unsorted,
            arrayMin(
                arrayMap(e -> e.at, arrayFilter(e -> e.kind = 0, line.2))) AS first_at,
            -- What is timed before the first version is taken as if at that version's time.
            arraySort(arrayMap(
                e -> CAST(
                    (
                        greatest(e.at, first_at), e.kind, e.revision, e.time, e.id, e.source,
                        e.quantity, e.date, e.unit_price, e.currency, e.item_no, e.uom, e.status
                    ),
                    '$event'),
                unsorted)) AS history,
            history[1] AS first
        FROM by_order
        ARRAY JOIN lines AS line
        WHERE arrayExists(e -> e.kind = 0, line.2)
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
            -- A step is decided before it is taken: what the decision names (d, then s) is worked
            -- out once, where writing it out in each field would multiply the expression.
            arrayFold(
                (states, e) -> arrayPushBack(states, arrayMap(
                    s -> CAST(
                        (
                            if(s.takes, (e.revision, e.time, e.id, e.source), states[-1].version),
                            s.quantity,
                            s.requested,
                            multiIf(
                                s.resets, s.requested,
                                s.confirms, ifNull(e.date, states[-1].requested),
                                states[-1].due),
                            if(s.resets OR s.confirms, (e.source, e.id), states[-1].due_set_by),
                            NOT s.resets AND (s.answers OR states[-1].confirmed),
                            NOT s.resets
                                AND ((s.answers AND NOT s.confirms) OR states[-1].rejected),
                            if(s.cancels, e.status, states[-1].cancelled_by),
                            states[-1].any_cancellation OR e.kind = 2,
                            greatest(
                                states[-1].most,
                                if(e.kind = 0, e.quantity, 0::Decimal(38, 6))),
                            if(s.takes, e.unit_price, states[-1].unit_price),
                            if(s.takes, e.currency, states[-1].currency),
                            if(s.takes, e.item_no, states[-1].item_no),
                            if(s.takes, e.uom, states[-1].uom)
                        ),
                        '$state'
                    ),
                    arrayMap(
                        d -> CAST(
                            (
                                d.takes,
                                if(
                                    d.takes AND NOT (
                                        d.short_notice AND e.quantity > states[-1].quantity),
                                    e.quantity, states[-1].quantity),
                                if(
                                    d.takes AND NOT (d.short_notice AND d.asked < states[-1].due),
                                    d.asked, states[-1].requested) AS requested,
                                d.takes
                                    AND (requested != states[-1].requested OR states[-1].rejected),
                                d.answers,
                                d.answers AND e.status != 'rejected',
                                d.cancels
                            ),
                            'Tuple(
                                takes UInt8, quantity Decimal(38, 6), requested Date32,
                                resets UInt8, answers UInt8, confirms UInt8, cancels UInt8)'
                        ),
                        arrayMap(
                            x -> CAST(
                                (
                                    -- An order version counts where it is higher than that in
                                    -- force; a line that stands rejected has nothing to miss.
                                    e.kind = 0 AND x.open
                                        AND (NOT x.missed OR states[-1].rejected)
                                        AND (e.revision, e.time, e.id, e.source)
                                            > states[-1].version,
                                    x.asked,
                                    x.dated > if(
                                        x.asked != states[-1].requested
                                            AND x.asked < states[-1].due,
                                        x.asked, states[-1].due) - {notice_days:Int32},
                                    e.kind = 1 AND x.open AND NOT x.missed
                                        AND NOT states[-1].confirmed,
                                    e.kind = 2 AND x.open AND NOT x.missed
                                ),
                                'Tuple(
                                    takes UInt8, asked Date32, short_notice UInt8, answers UInt8,
                                    cancels UInt8)'
                            ),
                            [CAST(
                                (
                                    toDate32(e.at, {zone:String}) AS dated,
                                    ifNull(e.date, states[-1].requested),
                                    states[-1].cancelled_by = '',
                                    -- Once missed, stays missed.
                                    dated > states[-1].due + {late_days:Array(Int32)}[$tolerance_in_force]
                                ),
                                'Tuple(dated Date32, asked Date32, open UInt8, missed UInt8)'
                            )]))
                )[1]),
                arrayPopFront(history),
                [CAST(
                    (
                        (first.revision, first.time, first.id, first.source),
                        first.quantity, assumeNotNull(first.date), assumeNotNull(first.date),
                        (first.source, first.id), 0, 0, '', 0, first.quantity, first.unit_price,
                        first.currency, first.item_no, first.uom
                    ),
                    '$state'
                )]
            ) AS states,
            toDate32(first.time, {zone:String}) AS first_day,
            arrayFilter(e -> e.kind = 1, history) AS confirmations,
            arrayMin(arrayMap(
                e -> e.time, arrayFilter(e -> e.kind = 2 AND e.status = 'buyer', history)
            )) AS first_cancelled_at
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
                n -> (received_on, n.known_on, n.quantity, receipt_no), net)))) AS receipts,
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
            arraySort(groupArrayIf((returned_on, quantity, return_no), quantity > 0)) AS returns,
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
            f.first_day AS first_day,
            f.states AS states,
            f.confirmations AS confirmations,
            f.first_cancelled_at AS first_cancelled_at,
            r.receipts AS receipts,
            r.made_of AS made_of
        FROM folded AS f
        FULL JOIN received AS r USING (supplier_id, buyer_id, order_no, line_no)
    )
SELECT
    {rules:UInt64},
    w.supplier_id,
    w.buyer_id,
    w.order_no,
    w.line_no,
    length(w.history) + w.made_of + b.made_of,
    w.first.time,
    if(empty(w.history), toDate32('2299-12-31'), w.first_day) AS line_day,
    ifNull(w.first.date, toDate32('1970-01-01')) AS asked_first,
    if(empty(w.confirmations), NULL, w.confirmations[1].time),
    if(empty(w.confirmations), NULL, toDate32(w.confirmations[1].time, {zone:String})),
    w.confirmations[1].status = 'rejected',
    if(toUnixTimestamp64Micro(w.first_cancelled_at) = 0, NULL, w.first_cancelled_at),
    arrayMap(
        (e, s) -> (
            toDate32(e.at, {zone:String}), s.due, s.requested, s.quantity, s.most,
            multiIf(
                asked_first < line_day, 'retroactive',
                s.cancelled_by = 'buyer', 'cancelled',
                s.rejected, 'rejected',
                ''),
            s.cancelled_by, s.any_cancellation, s.unit_price, ifNull(s.currency, 'IDR'),
            s.item_no, ifNull(s.uom, ''), s.version.1, s.confirmed, s.due_set_by),
        w.history, w.states),
    w.receipts,
    b.returns,
    arrayMap(e -> (toDate32(e.at, {zone:String}), e.source, e.id), w.history)
FROM whole AS w
LEFT JOIN sent_back AS b USING (supplier_id, buyer_id, order_no, line_no)
