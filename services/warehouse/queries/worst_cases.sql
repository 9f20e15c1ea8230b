-- Which cases weigh most against each supplier at T, a few for each figure that is scored?
-- bad: how much a case takes from the figure; of equal ones the latest comes first.
SELECT supplier_id, key, bad, buyer_id, kind, number, line_no, label, day
FROM
(
    SELECT
        supplier_id, buyer_id, kind, number, line_no, p.label AS label, p.day AS day,
        arrayJoin(multiIf(
            p.family = 'due', [
                ('otif', toDecimal128(p.b = 0, 6)),
                ('mean_days_late',
                    p.e + p.f * toInt32({as_of:Date32}) - p.g)],
            p.family = 'requested', [('otif_requested', toDecimal128(p.b = 0, 6))],
            p.family = 'inspected', [
                ('ppm', p.a), ('lot_acceptance', toDecimal128(p.b = 0, 6))],
            p.family = 'complained', [('ppm', p.a)],
            p.family = 'asked', [('confirmation_in_time', toDecimal128(p.b = 0, 6))],
            p.family = 'answered', [('order_acceptance', toDecimal128(p.b = 0, 6))],
            p.family = 'receipt', [('despatch_notice_rate', toDecimal128(p.b = 0, 6))],
            p.family = 'step', [('complaint_response', toDecimal128(p.b = 0, 6))],
            [])) AS scored,
        scored.1 AS key,
        scored.2 AS bad
    FROM figure_parts FINAL
    ARRAY JOIN parts AS p
    WHERE rules = {rules:UInt64}
        AND supplier_id IN {suppliers:Array(String)}
        AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
        AND p.since < {as_of:Date32} AND {as_of:Date32} <= p.until
        AND p.day < {as_of:Date32} AND p.day >= {as_of:Date32} - {window_days:Int32}
)
WHERE bad > 0
ORDER BY supplier_id, key, bad DESC, day DESC, buyer_id, kind, number, line_no, label
LIMIT {cases:UInt32} BY supplier_id, key
