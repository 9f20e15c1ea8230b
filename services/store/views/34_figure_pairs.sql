-- Numerator and denominator of every figure that adds up, for each supplier and buyer, at each date.
-- Quantities of one unit are one row. Counts have a denominator of 0. Nothing here is made of prices.
CREATE OR REPLACE VIEW figure_pairs $on_cluster AS
WITH sums AS
    (
        SELECT
            supplier_id,
            buyer_id,
            as_of,
            window_days,
            part_family AS family,
            if(part_family IN ('due', 'received', 'inspected'), part_label, '') AS unit,
            $factor_of(unit) AS one,
            toDecimal256(count(), 18) AS n,
            toDecimal256(sum(part_a), 18) / one AS a,
            toDecimal256(sum(part_b), 18) AS b,
            toDecimal256(sum(part_c), 18) / one AS c,
            toDecimal256(sum(part_d), 18) / one AS d,
            toDecimal256(sum(part_e), 18) AS e,
            toDecimal256(sum(part_f), 18) AS f,
            toDecimal256(sum(part_g), 18) AS g
        FROM counted_parts(
            rules = {rules:UInt64},
            suppliers = {suppliers:Array(String)},
            buyers = {buyers:Array(String)},
            families = [
                'due', 'requested', 'received', 'inspected', 'complained', 'asked', 'answered',
                'receipt', 'step', 'open', 'overdue', 'orphan', 'retroactive'],
            capacity_days = 0,
            concentration_days = 0,
            spans = {spans:Array(Tuple(Date32, Int32))})
        GROUP BY supplier_id, buyer_id, as_of, window_days, family, unit
    )
SELECT
    supplier_id,
    buyer_id,
    as_of,
    window_days,
    pair.1 AS kpi,
    -- A count of lines or lots is the same whatever their units.
    if(kpi IN ('otif', 'lot_acceptance'), '', unit) AS unit,
    pair.2 AS numerator,
    pair.3 AS denominator
FROM sums
ARRAY JOIN
    CAST(
        multiIf(
            family = 'due', [
                ('otif', b, n),
                ('on_time_quantity', c, a),
                ('fill_rate', d, a),
                -- What is still missing is valued at T - due, whenever that is.
                ('mean_days_late', (e + f * toInt32(as_of) - g) / one, a)],
            family = 'requested', [('otif_requested', b, n)],
            family = 'received', [('ppm', 0 * a, a)],
            family = 'inspected', [('lot_acceptance', b, n), ('ppm', a, 0 * a)],
            family = 'complained', [('ppm', a, 0 * a), ('line_stops', b, 0 * a)],
            family = 'asked', [('confirmation_in_time', b, n)],
            family = 'answered', [('order_acceptance', b, n)],
            family = 'receipt', [('despatch_notice_rate', b, n)],
            family = 'step', [('complaint_response', b, n)],
            family = 'open', [('open_complaints', n, 0 * a)],
            family = 'overdue', [('overdue_lines', n, 0 * a)],
            family = 'orphan', [('orphan_receipts', a, 0 * a)],
            family = 'retroactive', [('retroactive_lines', n, 0 * a)],
            []),
        'Array(Tuple(kpi String, numerator Decimal(76, 18), denominator Decimal(76, 18)))') AS pair;
