-- For Grafana: each supplier's declared capacity in a month, and what is ordered of it at T.
-- Of a process the declaration in force counts: the latest that began by T, then the one sent last.
-- Demand: what is still to come of the order lines of its items, including what is overdue, in the unit
-- of the process; NULL if some of it does not convert into that unit.
CREATE OR REPLACE VIEW grafana_capacity $on_cluster DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
    declared AS
    (
        SELECT
            supplier_id,
            process,
            argMax((quantity_per_month, items, uom), (valid_from, time, event_id)) AS v
        FROM capacities
        WHERE valid_from <= {as_of:Date32}
            AND ({suppliers:Array(String)} IN ([], ['']) OR supplier_id IN {suppliers:Array(String)})
            AND (
                {buyers:Array(String)} IN ([], ['']) OR buyer_id IN {buyers:Array(String)}
                OR buyer_id = '')
        GROUP BY supplier_id, process
    ),
    backlog AS
    (
        SELECT
            supplier_id,
            splitByChar('\n', part_label)[1] AS unit,
            substring(part_label, length(unit) + 2) AS item_no,
            sum(part_a) AS quantity
        FROM counted_parts(
            rules = (SELECT rules FROM policy_in_force),
            suppliers = (SELECT arrayFilter(x -> x != '', {suppliers:Array(String)})),
            buyers = (SELECT arrayFilter(x -> x != '', {buyers:Array(String)})),
            families = ['backlog'],
            capacity_days = (SELECT capacity_days FROM policy_in_force),
            concentration_days = 0,
            spans = [({as_of:Date32}, 0)])
        GROUP BY supplier_id, item_no, unit
    ),
    demanded AS
    (
        SELECT
            supplier_id,
            process,
            sum(quantity / $factor_of(into)) AS demand,
            max($kind_of(unit) != $kind_of(into)) AS conflict
        FROM
        (
            SELECT
                d.supplier_id AS supplier_id,
                d.process AS process,
                b.unit AS unit,
                b.quantity AS quantity,
                if(unit = '' OR d.uom = '', unit, d.uom) AS into
            FROM
            (
                SELECT
                    supplier_id, process, arrayJoin(arrayDistinct(v.2)) AS item_no,
                    ifNull(v.3, '') AS uom
                FROM declared
            ) AS d
            INNER JOIN backlog AS b USING (supplier_id, item_no)
        )
        GROUP BY supplier_id, process
    )
SELECT
    c.supplier_id AS supplier_id,
    ifNull(nullIf(r.cluster, ''), '(no cluster)') AS cluster,
    c.process AS process,
    if(d.conflict, NULL, toFloat64(d.demand)) AS demand,
    toFloat64(c.v.1) AS capacity,
    ifNull(c.v.3, '') AS uom,
    if(capacity = 0 OR empty(c.v.2), NULL, demand / capacity) AS load
FROM declared AS c
LEFT JOIN demanded AS d ON d.supplier_id = c.supplier_id AND d.process = c.process
LEFT JOIN registered AS r ON r.partner_id = c.supplier_id
WHERE {clusters:Array(String)} IN ([], ['']) OR cluster IN {clusters:Array(String)};
