-- What every complaint $which names adds to the figures: the version sent last stands, of the
-- complaint, of the answer to each step, and of the closing. Closing does every step not yet done.
-- complained: day = that of opening; a quantity, 0 where an inspection has it, b stops the line or
--   endangers. open: the same day, until it is closed. step: day = due date; b done by then;
--   label = the step. undone: the same day, until it is done.
INSERT INTO figure_parts
WITH
    opened AS
    (
        SELECT
            supplier_id,
            buyer_id,
            complaint_no,
            uniqExact(time, source, event_id) AS made_of,
            argMax(
                (opened_at, severity, ifNull(quantity, 0), isNotNull(inspection_no)),
                (time, event_id, source)) AS v,
            toDate32(v.1, {zone:String}) AS opened_on
        FROM complaints
        WHERE $which
        GROUP BY supplier_id, buyer_id, complaint_no
    ),
    answered AS
    (
        SELECT
            supplier_id,
            buyer_id,
            complaint_no,
            sum(versions) AS made_of,
            groupArray((step, answered_on)) AS answers
        FROM
        (
            SELECT
                supplier_id,
                buyer_id,
                complaint_no,
                step,
                uniqExact(time, source, event_id) AS versions,
                toDate32(argMax(answered_at, (time, event_id, source)), {zone:String}) AS answered_on
            FROM complaint_answers
            WHERE $which
            GROUP BY supplier_id, buyer_id, complaint_no, step
        )
        GROUP BY supplier_id, buyer_id, complaint_no
    ),
    closed AS
    (
        SELECT
            supplier_id,
            buyer_id,
            complaint_no,
            uniqExact(time, source, event_id) AS made_of,
            toDate32(argMax(closed_at, (time, event_id, source)), {zone:String}) AS closed_on
        FROM complaint_closings
        WHERE $which
        GROUP BY supplier_id, buyer_id, complaint_no
    ),
    steps AS
    (
        SELECT
            o.supplier_id AS supplier_id,
            o.buyer_id AS buyer_id,
            o.complaint_no AS complaint_no,
            o.made_of + a.made_of + c.made_of AS made_of,
            o.opened_on AS opened_on,
            o.v AS v,
            toDate32('2299-12-31') AS ever,
            if(c.made_of > 0, c.closed_on, ever) AS closed_by,
            arrayMap(
                (step, days) -> (
                    step,
                    o.opened_on + days,
                    least(closed_by, arrayMin(arrayPushBack(
                        arrayMap(x -> x.2, arrayFilter(x -> x.1 = step, a.answers)), ever)))),
                ['containment', 'corrective_action', 'closing'],
                {complaint_days:Array(Int32)}) AS steps
        FROM opened AS o
        LEFT JOIN answered AS a USING (supplier_id, buyer_id, complaint_no)
        LEFT JOIN closed AS c USING (supplier_id, buyer_id, complaint_no)
    )
SELECT
    {rules:UInt64},
    supplier_id,
    buyer_id,
    'complaint',
    complaint_no,
    '',
    made_of,
    CAST(
        arrayConcat(
            [
                (
                    'complained', '', opened_on, opened_on, ever, if(v.4, 0, v.3),
                    v.2 IN ('line_stop', 'safety'), 0, 0, 0, 0, 0
                ),
                ('open', '', opened_on, opened_on, closed_by, 0, 0, 0, 0, 0, 0, 0)
            ],
            arrayMap(
                x -> ('step', x.1, x.2, x.2, ever, 0, x.3 <= x.2, 0, 0, 0, 0, 0), steps),
            arrayMap(
                x -> ('undone', x.1, x.2, x.2, x.3, 0, 0, 0, 0, 0, 0, 0),
                arrayFilter(x -> x.3 > x.2, steps))),
        'Array($part)')
FROM steps
