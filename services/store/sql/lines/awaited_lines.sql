-- What is still awaited of each order line of a supplier at T, what is on the way, what is unanswered?
-- wanted: awaited (goods are missing), unanswered (awaited, and nobody answered the version in force),
-- any.
WITH
    lines AS
    (
        SELECT
            buyer_id,
            order_no,
            line_no,
            first_day,
            arrayCount(d -> d < {as_of:Date32}, steps.day) AS i,
            steps[i] AS s,
            s.item_no AS item_no,
            s.uom AS unit,
            $tolerance AS t,
            $factor_of(unit) AS one,
            s.quantity * (1 - {under:Array(Decimal(9, 6))}[t]) AS least,
            arraySum(arrayMap(
                r -> if(r.known_on < {as_of:Date32}, r.quantity, 0::Decimal(38, 6)), receipts))
                - arraySum(arrayMap(
                    r -> if(r.known_on < {as_of:Date32}, r.quantity, 0::Decimal(38, 6)), returns))
                AS kept,
            -- A retroactive line is not judged, but it still has to be made and sent.
            s.out IN ('', 'retroactive') AND NOT s.any_cancellation AND kept < least AS awaited
        FROM order_line_facts FINAL
        WHERE rules = {rules:UInt64}
            AND supplier_id = {supplier:String}
            AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
            AND (empty({orders:Array(String)}) OR order_no IN {orders:Array(String)})
            AND first_day < {as_of:Date32}
    ),
    chosen AS
    (
        SELECT * FROM lines WHERE awaited OR {wanted:String} = 'any'
    ),
    versions AS
    (
        SELECT buyer_id, order_no, line_no, max(time) AS last_version
        FROM order_versions
        WHERE supplier_id = {supplier:String}
            AND (buyer_id, order_no, line_no) IN (SELECT buyer_id, order_no, line_no FROM chosen)
        GROUP BY buyer_id, order_no, line_no
    ),
    confirmations AS
    (
        SELECT buyer_id, order_no, line_no, max(time) AS last_answer
        FROM order_confirmations
        WHERE supplier_id = {supplier:String}
            AND (buyer_id, order_no, line_no) IN (SELECT buyer_id, order_no, line_no FROM chosen)
        GROUP BY buyer_id, order_no, line_no
    ),
    came AS
    (
        SELECT buyer_id, groupUniqArray(assumeNotNull(despatch_no)) AS numbers
        FROM receipt_facts FINAL
        WHERE rules = {rules:UInt64} AND supplier_id = {supplier:String}
            AND (buyer_id, order_no, line_no) IN (SELECT buyer_id, order_no, line_no FROM chosen)
            AND isNotNull(despatch_no)
        GROUP BY buyer_id
    ),
    announced AS
    (
        -- Of a despatch advice the version sent last stands.
        SELECT
            buyer_id, order_no, line_no,
            sum($converted(quantity, uom, unit)) / any(one) AS on_the_way
        FROM
        (
            SELECT
                buyer_id,
                despatch_no,
                argMax(notice, version) AS notice
            FROM
            (
                SELECT
                    buyer_id,
                    despatch_no,
                    (time, event_id, source) AS version,
                    groupArray((
                        order_no, line_no, quantity, ifNull(toString(uom), ''))) AS notice
                FROM despatch_lines FINAL
                WHERE supplier_id = {supplier:String}
                    AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
                GROUP BY buyer_id, despatch_no, time, event_id, source
            )
            GROUP BY buyer_id, despatch_no
        ) AS d
        LEFT JOIN came AS c USING (buyer_id)
        ARRAY JOIN
            d.notice.1 AS order_no, d.notice.2 AS line_no, d.notice.3 AS quantity, d.notice.4 AS uom
        INNER JOIN
        (
            SELECT buyer_id, order_no, line_no, unit, one FROM chosen
        ) AS l USING (buyer_id, order_no, line_no)
        WHERE NOT has(c.numbers, d.despatch_no)
        GROUP BY buyer_id, order_no, line_no
    )
SELECT
    l.buyer_id AS buyer_id,
    l.order_no AS order_no,
    l.line_no AS line_no,
    l.item_no AS item_no,
    nullIf(l.unit, '') AS uom,
    l.s.quantity / l.one AS ordered,
    l.s.requested AS requested_date,
    l.s.due AS due_date,
    l.awaited AS awaited,
    greatest(0::Decimal(38, 6), l.s.quantity - l.kept) / l.one AS missing,
    a.on_the_way AS on_the_way,
    l.awaited AND NOT l.s.confirmed AND c.last_answer <= v.last_version AS unanswered,
    count() OVER () AS total
FROM chosen AS l
LEFT JOIN versions AS v USING (buyer_id, order_no, line_no)
LEFT JOIN confirmations AS c USING (buyer_id, order_no, line_no)
LEFT JOIN announced AS a USING (buyer_id, order_no, line_no)
WHERE unanswered OR {wanted:String} != 'unanswered'
ORDER BY due_date, buyer_id, order_no, line_no
LIMIT {limit:UInt32}
