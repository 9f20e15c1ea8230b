-- Numerator and denominator of every figure that adds up, for each supplier and buyer, at each date.
-- Quantities of each unit have their own row. Counts have a denominator of 0. No figure here depends on
-- prices.
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
            families = [$figure_families],
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
    if(kpi IN ($share_keys), '', unit) AS unit,
    pair.2 AS numerator,
    pair.3 AS denominator
FROM sums
ARRAY JOIN
    CAST(
        multiIf(
            $figure_pairs,
            []),
        'Array(Tuple(kpi String, numerator Decimal(76, 18), denominator Decimal(76, 18)))') AS pair;
