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
            arrayConcat(l.named_events, o.named_events) AS unsorted,
            arrayFilter(e -> e.kind = 0, l.named_events) AS versions,
            arrayMin(arrayMap(e -> e.at, versions)) AS first_at
        FROM by_line AS l
        LEFT JOIN (SELECT * FROM by_line WHERE line_no = '') AS o
            ON l.supplier_id = o.supplier_id AND l.buyer_id = o.buyer_id AND l.order_no = o.order_no
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
            arrayFold(
                (line, e) -> CAST(
                    (
                        -- The version in force, by which a later one is measured.
                        if(takes, (e.revision, e.time, e.id, e.source), line.version),
                        if(
                            takes AND NOT (short_notice AND e.quantity > line.quantity),
                            e.quantity, line.quantity),
                        if(
                            takes AND NOT (short_notice AND asked < line.due),
                            asked, line.requested) AS new_requested,
                        multiIf(
                            resets, new_requested,
                            confirms AND e.status != 'rejected', ifNull(e.date, line.requested),
                            line.due),
                        if(
                            resets OR (confirms AND e.status != 'rejected'),
                            (e.source, e.id), line.due_set_by),
                        if(resets, 0, confirms OR line.confirmed),
                        if(resets, 0, (confirms AND e.status = 'rejected') OR line.rejected),
                        if(
                            (e.kind = 2 AND open AND NOT missed),
                            e.status, line.cancelled_by),
                        if(takes, e.unit_price, line.unit_price),
                        if(takes, ifNull(e.currency, line.currency), line.currency),
                        if(takes, e.item_no, line.item_no),
                        if(takes, e.uom, line.uom),
                        -- Named here, used above.
                        (
                            toDate32(e.at, {zone:String}) AS dated,
                            ifNull(e.date, line.requested) AS asked,
                            line.cancelled_by = '' AS open,
                            dated > line.due + {late_days:Int32} AS missed,
                            (
                                e.kind = 0 AND open AND (NOT missed OR line.rejected)
                                AND (e.revision, e.time, e.id, e.source) > line.version
                            ) AS takes,
                            dated > if(
                                asked != line.requested AND asked < line.due, asked, line.due
                            ) - {notice_days:Int32} AS short_notice,
                            takes AND (new_requested != line.requested OR line.rejected) AS resets,
                            e.kind = 1 AND open AND NOT missed AND NOT line.confirmed AS confirms
                        ).1
                    ),
                    'Tuple(
                        version Tuple(UInt32, DateTime64(6, \'UTC\'), String, String),
                        quantity Decimal(38, 6), requested Date32, due Date32,
                        due_set_by Tuple(String, String), confirmed UInt8, rejected UInt8,
                        cancelled_by String, unit_price Nullable(Decimal(38, 6)),
                        currency Nullable(String), item_no String, uom Nullable(String),
                        dated Date32)'
                ),
                arrayPopFront(history),
                CAST(
                    (
                        (first.revision, first.time, first.id, first.source),
                        first.quantity, assumeNotNull(first.date), assumeNotNull(first.date),
                        (first.source, first.id), 0, 0, '', first.unit_price, first.currency,
                        first.item_no, first.uom, toDate32(first.at, {zone:String})
                    ),
                    'Tuple(
                        version Tuple(UInt32, DateTime64(6, \'UTC\'), String, String),
                        quantity Decimal(38, 6), requested Date32, due Date32,
                        due_set_by Tuple(String, String), confirmed UInt8, rejected UInt8,
                        cancelled_by String, unit_price Nullable(Decimal(38, 6)),
                        currency Nullable(String), item_no String, uom Nullable(String),
                        dated Date32)'
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
