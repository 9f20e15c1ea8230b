-- Which complaints of a buyer are open at T, and which of their steps are done?
-- The version sent last stands: of the complaint, of the answer to each step, and of the closing.
-- `told_on`: the day from which its steps can be answered. `counts`: whether it is in the figures; a
-- complaint that names no known order and that nobody answered is in none.
WITH
    opened AS
    (
        SELECT
            supplier_id,
            buyer_id,
            complaint_no,
            argMax(
                (opened_at, severity, order_no, line_no, item_no, quantity),
                (time, event_id, source)) AS v,
            toDate32(v.1, {zone:String}) AS opened_on,
            greatest(opened_on, toDate32(min(time), {zone:String})) AS told_on
        FROM complaints
        WHERE buyer_id IN {buyers:Array(String)}
            AND (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
        GROUP BY supplier_id, buyer_id, complaint_no
        HAVING opened_on < {as_of:Date32}
    ),
    closed AS
    (
        SELECT
            supplier_id,
            buyer_id,
            complaint_no,
            toDate32(argMax(closed_at, (time, event_id, source)), {zone:String}) AS closed_on
        FROM complaint_closings
        WHERE buyer_id IN {buyers:Array(String)}
        GROUP BY supplier_id, buyer_id, complaint_no
        HAVING closed_on < {as_of:Date32}
    ),
    answered AS
    (
        SELECT supplier_id, buyer_id, complaint_no, groupArray(step) AS steps_done
        FROM
        (
            SELECT
                supplier_id,
                buyer_id,
                complaint_no,
                step,
                toDate32(argMax(answered_at, (time, event_id, source)), {zone:String})
                    AS answered_on
            FROM complaint_answers
            WHERE buyer_id IN {buyers:Array(String)}
            GROUP BY supplier_id, buyer_id, complaint_no, step
            HAVING answered_on < {as_of:Date32}
        )
        GROUP BY supplier_id, buyer_id, complaint_no
    ),
    counted AS
    (
        SELECT supplier_id, buyer_id, number AS complaint_no, 1 AS counts
        FROM figure_parts FINAL
        WHERE rules = {rules:UInt64} AND kind = 'complaint'
            AND buyer_id IN {buyers:Array(String)}
            AND arrayExists(
                (family, since, until) -> family = 'open'
                    AND since < {as_of:Date32} AND {as_of:Date32} <= until,
                parts.family, parts.since, parts.until)
    )
SELECT
    o.supplier_id AS supplier_id,
    o.complaint_no AS complaint_no,
    o.opened_on AS opened_on,
    o.told_on AS told_on,
    o.v.2 AS severity,
    o.v.3 AS order_no,
    o.v.4 AS line_no,
    o.v.5 AS item_no,
    o.v.6 AS quantity,
    a.steps_done AS steps_done,
    f.counts AS counts
FROM opened AS o
LEFT ANTI JOIN closed AS c USING (supplier_id, buyer_id, complaint_no)
LEFT JOIN answered AS a USING (supplier_id, buyer_id, complaint_no)
LEFT JOIN counted AS f USING (supplier_id, buyer_id, complaint_no)
ORDER BY opened_on, supplier_id, complaint_no
