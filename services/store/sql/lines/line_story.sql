-- What did events report about one order line, in the order in which it happened?
-- `stands`: whether this is the standing version of its document; `standing_at`: the time of the
-- standing version; `named`: whether this version names the line. `amounts`: quantities, each in the
-- unit that the event gives ('' = none); of an inspection the inspected quantity, with the rejected one
-- in `second`. kind `left_out`: a placed event of the order that does not name the line, after another
-- event has named it.
WITH
    ordered AS
    (
        SELECT
            if(revision = 0, 'placed', 'changed') AS kind, order_no AS number, time, source, event_id,
            time AS happened_at, 1 AS stands, time AS standing_at, 1 AS named,
            [(quantity, ifNull(toString(uom), ''))] AS amounts,
            CAST(NULL, 'Nullable(Decimal(38, 6))') AS second, toNullable(requested_date) AS day,
            toString(revision) AS word, CAST(NULL, 'Nullable(String)') AS note
        FROM order_versions FINAL
        WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
            AND order_no = {order:String} AND line_no = {line:String}
    ),
    left_out AS
    (
        SELECT
            'left_out', order_no, time, source, event_id, time, 1, time, 1,
            CAST([], 'Array(Tuple(Decimal(38, 6), String))'), NULL, NULL, '', NULL
        FROM order_versions FINAL
        WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
            AND order_no = {order:String} AND revision = 0
        GROUP BY order_no, time, source, event_id
        HAVING countIf(line_no = {line:String}) = 0
            AND time > (
                SELECT minOrNull(time)
                FROM order_versions
                WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
                    AND order_no = {order:String} AND line_no = {line:String})
    ),
    confirmed AS
    (
        SELECT
            'confirmed', order_no, time, source, event_id, time, 1, time, 1,
            if(isNull(confirmed_quantity), [], [(assumeNotNull(confirmed_quantity), '')]), NULL,
            confirmed_date, status, NULL
        FROM order_confirmations FINAL
        WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
            AND order_no = {order:String} AND line_no = {line:String}
    ),
    cancelled AS
    (
        SELECT
            'cancelled', order_no, time, source, event_id, time, 1, time, 1, [], NULL, NULL,
            cancelled_by, reason
        FROM order_cancellations FINAL
        WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
            AND order_no = {order:String} AND line_no IN ({line:String}, '')
    ),
    despatched AS
    (
        SELECT
            'despatched', despatch_no, time, source, event_id, time,
            (time, event_id, source) = max((time, event_id, source)) OVER (PARTITION BY despatch_no),
            max(time) OVER (PARTITION BY despatch_no), notEmpty(amounts), amounts, NULL,
            toDate32(expected_at, {zone:String}), '', vehicle
        FROM
        (
            SELECT
                despatch_no, time, source, event_id,
                groupArrayIf(
                    (quantity, ifNull(toString(uom), '')),
                    order_no = {order:String} AND line_no = {line:String}) AS amounts,
                any(expected_at) AS expected_at,
                any(vehicle) AS vehicle
            FROM despatch_lines FINAL
            WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
                AND despatch_no IN (
                    SELECT despatch_no
                    FROM despatch_lines
                    WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
                        AND order_no = {order:String} AND line_no = {line:String})
            GROUP BY despatch_no, time, source, event_id
        )
    ),
    receipt_nos AS
    (
        SELECT receipt_no
        FROM receipt_lines
        WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
            AND order_no = {order:String} AND line_no = {line:String}
    ),
    received AS
    (
        SELECT
            'received', receipt_no, time, source, event_id, received_at,
            (time, event_id, source) = max((time, event_id, source)) OVER (PARTITION BY receipt_no),
            max(time) OVER (PARTITION BY receipt_no), notEmpty(amounts), amounts, NULL, NULL, '',
            despatch_no
        FROM
        (
            SELECT
                receipt_no, time, source, event_id,
                groupArrayIf(
                    (quantity, ifNull(toString(uom), '')),
                    order_no = {order:String} AND line_no = {line:String}) AS amounts,
                any(received_at) AS received_at,
                any(despatch_no) AS despatch_no
            FROM receipt_lines FINAL
            WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
                AND receipt_no IN (SELECT receipt_no FROM receipt_nos)
            GROUP BY receipt_no, time, source, event_id
        )
    ),
    reversed AS
    (
        SELECT
            'reversed', receipt_no, time, source, event_id, time, 1, time, 1,
            if(min(position) = 0, [], groupArray((quantity, ifNull(toString(uom), '')))), NULL, NULL,
            '', NULL
        FROM reversal_lines FINAL
        WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
            AND receipt_no IN (SELECT receipt_no FROM receipt_nos)
            AND (position = 0 OR (order_no = {order:String} AND line_no = {line:String}))
        GROUP BY receipt_no, time, source, event_id
    ),
    returned AS
    (
        SELECT
            'returned', return_no, time, source, event_id, returned_at,
            (time, event_id, source) = max((time, event_id, source)) OVER (PARTITION BY return_no),
            max(time) OVER (PARTITION BY return_no), notEmpty(amounts), amounts, NULL, NULL, '', reason
        FROM
        (
            SELECT
                return_no, time, source, event_id,
                groupArrayIf(
                    (quantity, ifNull(toString(uom), '')),
                    order_no = {order:String} AND line_no = {line:String}) AS amounts,
                any(returned_at) AS returned_at,
                any(reason) AS reason
            FROM return_lines FINAL
            WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
                AND return_no IN (
                    SELECT return_no
                    FROM return_lines
                    WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
                        AND order_no = {order:String} AND line_no = {line:String})
            GROUP BY return_no, time, source, event_id
        )
    ),
    inspected AS
    (
        SELECT
            'inspected', inspection_no, time, source, event_id, inspected_at,
            (time, event_id, source) = max((time, event_id, source)) OVER (PARTITION BY inspection_no),
            max(time) OVER (PARTITION BY inspection_no),
            order_no = {order:String} AND line_no = {line:String},
            [(quantity_inspected, ifNull(toString(uom), ''))], quantity_rejected, NULL, disposition,
            nullIf(arrayStringConcat(arrayMap(d -> d.code, defects), ', '), '')
        FROM inspections FINAL
        WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
            AND inspection_no IN (
                SELECT inspection_no
                FROM inspections
                WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
                    AND order_no = {order:String} AND line_no = {line:String})
    ),
    complaint_nos AS
    (
        SELECT complaint_no
        FROM complaints
        WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
            AND order_no = {order:String} AND line_no = {line:String}
    ),
    complained AS
    (
        SELECT
            'complained', complaint_no, time, source, event_id, opened_at,
            (time, event_id, source) = max((time, event_id, source)) OVER (PARTITION BY complaint_no),
            max(time) OVER (PARTITION BY complaint_no),
            ifNull(order_no = {order:String} AND line_no = {line:String}, 0),
            if(isNull(quantity), [], [(assumeNotNull(quantity), '')]), NULL, NULL, severity,
            failure_mode
        FROM complaints FINAL
        WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
            AND complaint_no IN (SELECT complaint_no FROM complaint_nos)
    ),
    answered AS
    (
        SELECT
            'answered', complaint_no, time, source, event_id, answered_at,
            (time, event_id, source)
                = max((time, event_id, source)) OVER (PARTITION BY complaint_no, step),
            max(time) OVER (PARTITION BY complaint_no, step), 1, [], NULL, NULL, step, NULL
        FROM complaint_answers FINAL
        WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
            AND complaint_no IN (SELECT complaint_no FROM complaint_nos)
    ),
    closed AS
    (
        SELECT
            'closed', complaint_no, time, source, event_id, closed_at,
            (time, event_id, source) = max((time, event_id, source)) OVER (PARTITION BY complaint_no),
            max(time) OVER (PARTITION BY complaint_no), 1, [], NULL, NULL, '', NULL
        FROM complaint_closings FINAL
        WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
            AND complaint_no IN (SELECT complaint_no FROM complaint_nos)
    ),
    disputed AS
    (
        SELECT
            'disputed', order_no, time, source, event_id, time, 1, time, 1, [], NULL, NULL, reason,
            evidence
        FROM disputes FINAL
        WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
            AND order_no = {order:String} AND line_no = {line:String}
    ),
    dispute_answered AS
    (
        SELECT
            'dispute_answered', order_no, time, source, event_id, time, 1, time, 1, [], NULL, NULL,
            answer, note
        FROM dispute_answers FINAL
        WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String}
            AND order_no = {order:String} AND line_no = {line:String}
    )
SELECT
    kind, number, time, source, event_id, happened_at, stands, standing_at, named,
    CAST(amounts, 'Array(Tuple(Decimal(38, 6), String))') AS amounts, second, day, word, note
FROM
(
    SELECT * FROM ordered
    UNION ALL
    SELECT * FROM left_out
    UNION ALL
    SELECT * FROM confirmed
    UNION ALL
    SELECT * FROM cancelled
    UNION ALL
    SELECT * FROM despatched
    UNION ALL
    SELECT * FROM received
    UNION ALL
    SELECT * FROM reversed
    UNION ALL
    SELECT * FROM returned
    UNION ALL
    SELECT * FROM inspected
    UNION ALL
    SELECT * FROM complained
    UNION ALL
    SELECT * FROM answered
    UNION ALL
    SELECT * FROM closed
    UNION ALL
    SELECT * FROM disputed
    UNION ALL
    SELECT * FROM dispute_answered
)
ORDER BY happened_at, time, event_id
