-- Every order line at T: its versions, confirmations and cancellations folded in their order.
-- `at` is the time as folded, kind 0 = placed or changed, 1 = confirmed, 2 = cancelled; the fields
-- stand so that sorting the tuples sorts the events as the fold takes them.
CREATE OR REPLACE VIEW order_lines_at $on_cluster AS
WITH
    named AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no, 0 AS kind, revision, time, event_id, source,
            quantity, toNullable(requested_date) AS date, unit_price, currency, item_no, uom,
            '' AS status
        FROM order_versions
        WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
            AND toDate32(time, {zone:String}) < {as_of:Date32}
        UNION ALL
        SELECT
            supplier_id, buyer_id, order_no, line_no, 1, 0, time, event_id, source,
            0, confirmed_date, NULL, NULL, '', NULL, status
        FROM order_confirmations
        WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
            AND toDate32(time, {zone:String}) < {as_of:Date32}
        UNION ALL
        SELECT
            supplier_id, buyer_id, order_no, line_no, 2, 0, time, event_id, source,
            0, NULL, NULL, NULL, '', NULL, cancelled_by
        FROM order_cancellations
        WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
            AND toDate32(time, {zone:String}) < {as_of:Date32}
            AND line_no != ''
    ),
    by_line AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            groupUniqArray(CAST(
                (
                    time, kind, revision, time, event_id, source, quantity, date, unit_price,
                    currency, item_no, uom, status
                ),
                'Tuple(
                    at DateTime64(6, \'UTC\'), kind UInt8, revision UInt32,
                    time DateTime64(6, \'UTC\'), id String, source String, quantity Decimal(38, 6),
                    date Nullable(Date32), unit_price Nullable(Decimal(38, 6)),
                    currency Nullable(String), item_no String, uom Nullable(String),
                    status String)'
            )) AS named_events
        FROM named
        GROUP BY supplier_id, buyer_id, order_no, line_no
    ),
    gathered AS
    (
        -- A cancellation of the whole order names every line of it, also one added later.
        SELECT
            l.supplier_id AS supplier_id,
            l.buyer_id AS buyer_id,
            l.order_no AS order_no,
            l.line_no AS line_no,
            arrayConcat(l.named_events, o.cancellations) AS unsorted,
            arrayFilter(e -> e.kind = 0, l.named_events) AS versions,
            arrayMin(arrayMap(e -> e.at, versions)) AS first_at
        FROM by_line AS l
        LEFT JOIN
        (
            SELECT
                supplier_id,
                buyer_id,
                order_no,
                groupUniqArray(CAST(
                    (
                        time, 2, 0, time, event_id, source, 0, NULL, NULL, NULL, '', NULL,
                        cancelled_by
                    ),
                    'Tuple(
                        at DateTime64(6, \'UTC\'), kind UInt8, revision UInt32,
                        time DateTime64(6, \'UTC\'), id String, source String,
                        quantity Decimal(38, 6), date Nullable(Date32),
                        unit_price Nullable(Decimal(38, 6)), currency Nullable(String),
                        item_no String, uom Nullable(String), status String)'
                )) AS cancellations
            FROM order_cancellations
            WHERE (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
                AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
                AND toDate32(time, {zone:String}) < {as_of:Date32}
                AND line_no = ''
            GROUP BY supplier_id, buyer_id, order_no
        ) AS o USING (supplier_id, buyer_id, order_no)
        WHERE notEmpty(versions)
    ),
    sorted AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            versions,
            -- What is timed before the first version is taken as if at that version's time.
            arraySort(arrayMap(
                e -> CAST(
                    (
                        greatest(e.at, first_at), e.kind, e.revision, e.time, e.id, e.source,
                        e.quantity, e.date, e.unit_price, e.currency, e.item_no, e.uom, e.status
                    ),
                    'Tuple(
                        at DateTime64(6, \'UTC\'), kind UInt8, revision UInt32,
                        time DateTime64(6, \'UTC\'), id String, source String,
                        quantity Decimal(38, 6), date Nullable(Date32),
                        unit_price Nullable(Decimal(38, 6)), currency Nullable(String),
                        item_no String, uom Nullable(String), status String)'
                ),
                unsorted)) AS history,
            history[1] AS first
        FROM gathered
    ),
    folded AS
    (
        SELECT
            supplier_id,
            buyer_id,
            order_no,
            line_no,
            versions,
            history,
            first,
            -- A step is decided before it is taken: what the decision names (d, then s) is worked
            -- out once, where writing it out in each field would multiply the expression.
            arrayFold(
                (line, e) -> arrayMap(
                    s -> CAST(
                        (
                            if(s.takes, (e.revision, e.time, e.id, e.source), line.version),
                            s.quantity,
                            s.requested,
                            multiIf(
                                s.resets, s.requested,
                                s.confirms, ifNull(e.date, line.requested),
                                line.due),
                            if(s.resets OR s.confirms, (e.source, e.id), line.due_set_by),
                            NOT s.resets AND (s.answers OR line.confirmed),
                            NOT s.resets AND ((s.answers AND NOT s.confirms) OR line.rejected),
                            if(s.cancels, e.status, line.cancelled_by),
                            if(s.takes, e.unit_price, line.unit_price),
                            if(s.takes, ifNull(e.currency, line.currency), line.currency),
                            if(s.takes, e.item_no, line.item_no),
                            if(s.takes, e.uom, line.uom)
                        ),
                        'Tuple(
                            version Tuple(UInt32, DateTime64(6, \'UTC\'), String, String),
                            quantity Decimal(38, 6), requested Date32, due Date32,
                            due_set_by Tuple(String, String), confirmed UInt8, rejected UInt8,
                            cancelled_by String, unit_price Nullable(Decimal(38, 6)),
                            currency Nullable(String), item_no String, uom Nullable(String))'
                    ),
                    arrayMap(
                        d -> CAST(
                            (
                                d.takes,
                                if(
                                    d.takes AND NOT (d.short_notice AND e.quantity > line.quantity),
                                    e.quantity, line.quantity),
                                if(
                                    d.takes AND NOT (d.short_notice AND d.asked < line.due),
                                    d.asked, line.requested) AS requested,
                                d.takes AND (requested != line.requested OR line.rejected),
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
                                    e.kind = 0 AND x.open AND (NOT x.missed OR line.rejected)
                                        AND (e.revision, e.time, e.id, e.source) > line.version,
                                    x.asked,
                                    x.dated > if(
                                        x.asked != line.requested AND x.asked < line.due,
                                        x.asked, line.due) - {notice_days:Int32},
                                    e.kind = 1 AND x.open AND NOT x.missed AND NOT line.confirmed,
                                    e.kind = 2 AND x.open AND NOT x.missed
                                ),
                                'Tuple(
                                    takes UInt8, asked Date32, short_notice UInt8, answers UInt8,
                                    cancels UInt8)'
                            ),
                            [CAST(
                                (
                                    toDate32(e.at, {zone:String}) AS dated,
                                    ifNull(e.date, line.requested),
                                    line.cancelled_by = '',
                                    -- Once missed, stays missed.
                                    dated > line.due + {late_days:Int32}
                                ),
                                'Tuple(dated Date32, asked Date32, open UInt8, missed UInt8)'
                            )]))
                )[1],
                arrayPopFront(history),
                CAST(
                    (
                        (first.revision, first.time, first.id, first.source),
                        first.quantity, assumeNotNull(first.date), assumeNotNull(first.date),
                        (first.source, first.id), 0, 0, '', first.unit_price, first.currency,
                        first.item_no, first.uom
                    ),
                    'Tuple(
                        version Tuple(UInt32, DateTime64(6, \'UTC\'), String, String),
                        quantity Decimal(38, 6), requested Date32, due Date32,
                        due_set_by Tuple(String, String), confirmed UInt8, rejected UInt8,
                        cancelled_by String, unit_price Nullable(Decimal(38, 6)),
                        currency Nullable(String), item_no String, uom Nullable(String))'
                )
            ) AS line
        FROM sorted
    )
SELECT
    supplier_id,
    buyer_id,
    order_no,
    line_no,
    line.item_no AS item_no,
    line.quantity AS ordered,
    line.uom AS uom,
    line.unit_price AS unit_price,
    line.currency AS currency,
    line.requested AS requested_date,
    line.due AS due_date,
    line.due_set_by AS due_set_by,
    line.confirmed AS confirmed,
    line.cancelled_by AS cancelled_by,
    toDate32(first.time, {zone:String}) AS ordered_on,
    arrayMax(arrayMap(e -> e.quantity, versions)) AS most_asked,
    arrayExists(e -> e.kind = 2, history) AS any_cancellation,
    multiIf(
        first.date < ordered_on, 'retroactive',
        line.cancelled_by = 'buyer', 'cancelled',
        line.rejected, 'rejected',
        '') AS out_because,
    arrayMap(e -> (e.source, e.id), history) AS events
FROM folded;
