-- Which inspections reject more of a receipt line than is left of it, or name one that is not known?
-- The parameter `unknown` says which of the two is asked for.
WITH
    standing AS
    (
        SELECT
            supplier_id, buyer_id, inspection_no,
            max((
                time, event_id, source, inspected_at, ifNull(receipt_no, ''), order_no, line_no,
                quantity_inspected, quantity_rejected, ifNull(toString(uom), ''))) AS v
        FROM inspections
        WHERE $partners
        GROUP BY supplier_id, buyer_id, inspection_no
        HAVING v.5 != '' AND v.8 > 0 AND toDate32(v.4, {zone:String}) <= {as_of:Date32}
    ),
    lots AS
    (
        SELECT
            supplier_id, buyer_id, inspection_no, v, v.5 AS receipt_no, v.6 AS order_no,
            v.7 AS line_no, v.9 AS rejected, v.10 AS uom
        FROM standing
    ),
    received AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no, receipt_no, orphan_unit, conflict_from,
            arraySum(arrayMap(
                n -> if(n.known_on <= {as_of:Date32}, n.quantity, 0::Decimal(38, 6)), net)) AS left
        FROM receipt_facts FINAL
        WHERE rules = {rules:UInt64} AND $partners AND named AND received_on <= {as_of:Date32}
    ),
    lines AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no, first_day,
            steps.uom[arrayCount(d -> d <= {as_of:Date32}, steps.day)] AS line_unit
        FROM order_line_facts FINAL
        WHERE rules = {rules:UInt64} AND $partners
            AND (supplier_id, buyer_id, order_no, line_no) IN (
                SELECT supplier_id, buyer_id, order_no, line_no FROM lots)
    ),
    counted AS
    (
        SELECT
            q.supplier_id AS supplier_id, q.buyer_id AS buyer_id, q.order_no AS order_no,
            q.line_no AS line_no, q.receipt_no AS receipt_no, q.inspection_no AS inspection_no,
            q.v AS v, q.uom AS uom, q.rejected AS rejected, r.left AS left,
            r.receipt_no != '' AS known,
            if(l.first_day <= {as_of:Date32}, l.line_unit, r.orphan_unit) AS unit,
            known AND r.conflict_from <= {as_of:Date32} AS conflict,
            if(
                unit != '' AND uom != '' AND $kind_of(uom) != $kind_of(unit), 0::Decimal(38, 6),
                $converted(rejected, uom, unit)) AS counts
        FROM lots AS q
        LEFT JOIN received AS r USING (supplier_id, buyer_id, order_no, line_no, receipt_no)
        LEFT JOIN lines AS l USING (supplier_id, buyer_id, order_no, line_no)
    )
SELECT
    toString(supplier_id) AS supplier_id,
    toString(buyer_id) AS buyer_id,
    'inspection' AS document,
    argMax(inspection_no, (v.4, inspection_no)) AS number,
    order_no,
    line_no,
    toDate32(max(v.4), {zone:String}) AS since,
    map(
        'receipt', receipt_no,
        'rejected', toString(toDecimal256(sum(counts), 18) / $factor_of(unit)),
        'received', toString(toDecimal256(any(left), 18) / $factor_of(unit)),
        'over', toString(toDecimal256(sum(counts) - any(left), 18) / $factor_of(unit)),
        'unit', unit) AS facts,
    arraySort(groupUniqArray((toString(v.3), v.2))) AS events
FROM counted
WHERE NOT conflict AND known != {unknown:Bool}
GROUP BY
    supplier_id, buyer_id, order_no, line_no, receipt_no, unit,
    -- Inspections of an unknown receipt line are reported one by one.
    if({unknown:Bool}, inspection_no, '')
HAVING {unknown:Bool} OR sum(counts) > any(left)
