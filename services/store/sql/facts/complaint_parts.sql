-- What does each of these complaints add to the figures, and for which dates?
-- Of the complaint, of the answer to each step and of the closing, the version sent last stands.
-- Closing completes every step that is not done yet.
-- A complaint counts while it names an order that has a line or a receipt line, and from the first
-- answer of the supplier on: nobody can move the figures of a supplier with whom they never dealt.
-- Its steps are due from the day when the complaint was sent, if that is later than its opening.
-- complained: day = opening; a = quantity, 0 if an inspection has it; b = it stopped the line or
--   endangers safety.
-- open: day = opening, until it is closed.
-- step: day = due date; b = done by then; label = the step.
-- undone: day = due date, until the step is done.
INSERT INTO figure_parts
WITH
    told AS
    (
        SELECT
            supplier_id,
            buyer_id,
            complaint_no,
            uniqExact(time, source, event_id) AS made_of,
            min(time) AS told_at,
            argMax(
                (
                    opened_at, toString(severity), ifNull(quantity, 0), isNotNull(inspection_no),
                    ifNull(order_no, '')
                ),
                (time, event_id, source)) AS stands
        FROM complaints
        WHERE $which
        GROUP BY supplier_id, buyer_id, complaint_no
    ),
    opened AS
    (
        SELECT
            supplier_id,
            buyer_id,
            complaint_no,
            made_of,
            stands.2 IN ('line_stop', 'safety') AS severe,
            if(stands.4, 0::Decimal(38, 6), stands.3) AS quantity,
            stands.5 AS order_no,
            toDate32(stands.1, {zone:String}) AS opened_on,
            greatest(opened_on, toDate32(told_at, {zone:String})) AS told_on
        FROM told
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
    ordered AS
    (
        SELECT
            supplier_id, buyer_id, order_no, toDate32(min(time), {zone:String}) AS first_day,
            uniqExact(time, source, event_id) AS made_of
        FROM order_versions
        WHERE (supplier_id, buyer_id, order_no) IN (
            SELECT supplier_id, buyer_id, order_no FROM opened WHERE order_no != '')
        GROUP BY supplier_id, buyer_id, order_no
    ),
    received AS
    (
        SELECT
            supplier_id, buyer_id, order_no, sum(version) AS made_of,
            groupArray((line_no, receipt_no, net)) AS lines,
            arraySort(arrayDistinct(arrayFlatten(arrayMap(
                l -> arrayMap(n -> n.known_on, l.3), lines)))) AS days,
            -- The spans of days in which something is left of a receipt line.
            arrayFilter(
                (span, day) -> arrayExists(
                    l -> arraySum(arrayMap(
                        n -> if(n.known_on <= day, n.quantity, 0::Decimal(38, 6)), l.3)) > 0,
                    lines),
                arrayZip(
                    days, arrayPopFront(arrayPushBack(days, toDate32('2299-12-31')))),
                days) AS spans
        FROM receipt_facts FINAL
        WHERE rules = {rules:UInt64}
            AND (supplier_id, buyer_id, order_no) IN (
                SELECT supplier_id, buyer_id, order_no FROM opened WHERE order_no != '')
        GROUP BY supplier_id, buyer_id, order_no
    ),
    steps AS
    (
        SELECT
            o.supplier_id AS supplier_id,
            o.buyer_id AS buyer_id,
            o.complaint_no AS complaint_no,
            o.made_of * 4294967296 + a.made_of + c.made_of + n.made_of + r.made_of AS made_of,
            least(
                if(n.made_of > 0, n.first_day, ever),
                arrayMin(arrayPushBack(arrayMap(x -> x.2, a.answers), ever))) AS dealt_from,
            -- The spans of days in which the complaint counts.
            arrayPushBack(
                arrayFilter(
                    x -> x.2 > x.1,
                    arrayMap(x -> (x.1, least(x.2, dealt_from)), r.spans)),
                (dealt_from, ever)) AS counting,
            o.opened_on AS opened_on,
            o.severe AS severe,
            o.quantity AS quantity,
            toDate32('2299-12-31') AS ever,
            if(c.made_of > 0, c.closed_on, ever) AS closed_by,
            arrayMap(
                (step, days) -> (
                    step,
                    o.told_on + days,
                    least(closed_by, arrayMin(arrayPushBack(
                        arrayMap(x -> x.2, arrayFilter(x -> x.1 = step, a.answers)), ever)))),
                ['containment', 'corrective_action', 'closing'],
                {complaint_days:Array(Int32)}) AS steps
        FROM opened AS o
        LEFT JOIN answered AS a USING (supplier_id, buyer_id, complaint_no)
        LEFT JOIN closed AS c USING (supplier_id, buyer_id, complaint_no)
        LEFT JOIN ordered AS n USING (supplier_id, buyer_id, order_no)
        LEFT JOIN received AS r USING (supplier_id, buyer_id, order_no)
    )
SELECT
    {rules:UInt64},
    supplier_id,
    buyer_id,
    'complaint',
    complaint_no,
    '',
    made_of,
    arrayFlatten(arrayMap(
        span -> arrayFilter(
            p -> p.until > p.since AND p.until > p.day,
            arrayMap(
                p -> CAST(
                    (
                        p.1, p.2, p.3, greatest(p.4, span.1), least(p.5, span.2), p.6, p.7, 0, 0, 0, 0, 0
                    ),
                    '$part'),
                arrayConcat(
                    [
                        (
                            'complained', '', opened_on, opened_on, ever,
                            quantity, severe
                        ),
                        ('open', '', opened_on, opened_on, closed_by, 0::Decimal(38, 6), 0)
                    ],
                    arrayMap(
                        x -> ('step', x.1, x.2, x.2, ever, 0::Decimal(38, 6), x.3 <= x.2), steps),
                    arrayMap(
                        x -> ('undone', x.1, x.2, x.2, x.3, 0::Decimal(38, 6), 0),
                        arrayFilter(x -> x.3 > x.2, steps))))),
        counting))
FROM steps
