-- For Grafana: the figures of a selection at each span (date, days of its window), as ratios of sums.
-- `by`: one figure for each cluster, supplier or buyer; any other value: one figure over all of them.
-- An empty list of suppliers, buyers or clusters, or one with only '' in it, selects all. low and high:
-- the Wilson interval of a ratio of counts.
CREATE OR REPLACE VIEW grafana_figures $on_cluster DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
    units AS
    (
        SELECT
            p.as_of AS as_of,
            p.window_days AS window_days,
            multiIf(
                {by:String} = 'supplier', toString(p.supplier_id),
                {by:String} = 'buyer', toString(p.buyer_id),
                {by:String} = 'cluster', toString(ifNull(nullIf(r.cluster, ''), '(no cluster)')),
                '') AS part_of,
            p.kpi AS kpi,
            p.unit AS unit,
            sum(p.numerator) AS numerator,
            sum(p.denominator) AS denominator
        FROM figure_pairs(
            rules = (SELECT rules FROM policy_in_force),
            suppliers = (SELECT arrayFilter(x -> x != '', {suppliers:Array(String)})),
            buyers = (SELECT arrayFilter(x -> x != '', {buyers:Array(String)})),
            spans = {spans:Array(Tuple(Date32, Int32))}) AS p
        LEFT JOIN registered AS r ON r.partner_id = p.supplier_id
        WHERE {clusters:Array(String)} IN ([], [''])
            OR ifNull(nullIf(r.cluster, ''), '(no cluster)') IN {clusters:Array(String)}
        GROUP BY as_of, window_days, part_of, kpi, unit
        UNION ALL
        -- A figure without data still has a row, with 0 over 0.
        SELECT s.span.1, s.span.2, '', k.kpi, '', 0::Decimal(76, 6), 0::Decimal(76, 6)
        FROM grafana_kpis AS k
        CROSS JOIN (SELECT arrayJoin({spans:Array(Tuple(Date32, Int32))}) AS span) AS s
        WHERE {by:String} NOT IN ('supplier', 'buyer', 'cluster')
    ),
    figures AS
    (
        SELECT
            as_of,
            window_days,
            part_of,
            kpi,
            toFloat64(sum(numerator)) AS top,
            toFloat64(sum(denominator)) AS bottom,
            uniqExactIf(unit, unit != '' AND denominator != 0) > 1 AS mixed_units
        FROM units
        GROUP BY as_of, window_days, part_of, kpi
    ),
    named AS
    (
        SELECT
            f.*,
            k.* EXCEPT (kpi),
            1.959964 AS z,
            if(has_interval AND bottom > 0, top / bottom, NULL) AS p,
            -- E. B. Wilson, JASA 22, 1927.
            (p + z * z / (2 * bottom)) / (1 + z * z / bottom) AS centre,
            z * sqrt(p * (1 - p) / bottom + z * z / (4 * bottom * bottom)) / (1 + z * z / bottom)
                AS half
        FROM figures AS f
        INNER JOIN grafana_kpis AS k ON k.kpi = f.kpi
    )
SELECT
    as_of,
    window_days,
    part_of,
    kpi,
    place,
    title,
    unit,
    multiIf(unit = 'count', top, bottom = 0, NULL, scale * top / bottom) AS value,
    top AS numerator,
    if(unit = 'count', NULL, bottom) AS denominator,
    if(isNull(p), NULL, greatest(0., centre - half)) AS low,
    if(isNull(p), NULL, least(1., centre + half)) AS high,
    mixed_units
FROM named;
