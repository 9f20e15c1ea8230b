-- Which complaints count in no figure, because they name no known order and nobody answered them?
SELECT
    toString(supplier_id) AS supplier_id,
    toString(buyer_id) AS buyer_id,
    'complaint' AS document,
    complaint_no AS number,
    v.5 AS order_no,
    v.6 AS line_no,
    toDate32(v.4, {zone:String}) AS since,
    map('severity', v.7) AS facts,
    [(toString(v.3), v.2)] AS events
FROM
(
    SELECT
        supplier_id, buyer_id, complaint_no,
        max((
            time, event_id, source, opened_at, ifNull(order_no, ''), ifNull(line_no, ''),
            toString(severity))) AS v
    FROM complaints
    WHERE $partners
    GROUP BY supplier_id, buyer_id, complaint_no
)
WHERE (supplier_id, buyer_id, complaint_no) NOT IN (
    SELECT supplier_id, buyer_id, number
    FROM figure_parts FINAL
    WHERE rules = {rules:UInt64} AND $partners AND kind = 'complaint'
        AND arrayExists(
            (family, day, until) -> family = 'complained' AND until > {as_of:Date32},
            parts.family, parts.day, parts.until))
