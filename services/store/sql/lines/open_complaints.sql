-- Which complaints about a supplier are open at T, and which steps is it to take by when?
-- A step is its name, its due date, and the day on which it was done, if it was.
WITH
    opened AS
    (
        SELECT
            buyer_id,
            complaint_no,
            argMax(
                (
                    opened_at, severity, order_no, line_no, item_no, quantity, failure_mode
                ),
                (time, event_id, source)) AS v,
            -- The day from which the supplier can answer it: its steps are due from then.
            greatest(toDate32(v.1, {zone:String}), toDate32(min(time), {zone:String})) AS told_on
        FROM complaints
        WHERE supplier_id = {supplier:String}
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
            AND (empty({numbers:Array(String)}) OR complaint_no IN {numbers:Array(String)})
        GROUP BY buyer_id, complaint_no
    ),
    answered AS
    (
        SELECT
            buyer_id,
            complaint_no,
            groupArray((step, answered_on)) AS answers
        FROM
        (
            SELECT
                buyer_id,
                complaint_no,
                step,
                toDate32(argMax(answered_at, (time, event_id, source)), {zone:String}) AS answered_on
            FROM complaint_answers
            WHERE supplier_id = {supplier:String}
            GROUP BY buyer_id, complaint_no, step
        )
        GROUP BY buyer_id, complaint_no
    ),
    closed AS
    (
        SELECT
            buyer_id,
            complaint_no,
            count() AS closings,
            toDate32(argMax(closed_at, (time, event_id, source)), {zone:String}) AS closed_on
        FROM complaint_closings
        WHERE supplier_id = {supplier:String}
        GROUP BY buyer_id, complaint_no
    )
SELECT
    o.buyer_id AS buyer_id,
    o.complaint_no AS complaint_no,
    toDate32(o.v.1, {zone:String}) AS opened_on,
    o.v.2 AS severity,
    o.v.3 AS order_no,
    o.v.4 AS line_no,
    o.v.5 AS item_no,
    o.v.6 AS quantity,
    o.v.7 AS failure_mode,
    CAST(
        arrayMap(
            (step, days) -> (
                step,
                o.told_on + days,
                arrayFilter(x -> x.1 = step AND x.2 < {as_of:Date32}, a.answers).2),
            ['containment', 'corrective_action'],
            arraySlice({complaint_days:Array(Int32)}, 1, 2)),
        'Array(Tuple(String, Date32, Array(Date32)))') AS steps
FROM opened AS o
LEFT JOIN answered AS a USING (buyer_id, complaint_no)
LEFT JOIN closed AS c USING (buyer_id, complaint_no)
WHERE opened_on < {as_of:Date32}
    AND (c.closings = 0 OR c.closed_on >= {as_of:Date32})
ORDER BY opened_on, buyer_id, complaint_no
LIMIT {limit:UInt32}
