-- Of which order lines is the newest version in a unit that does not convert into the line's unit?
SELECT
    toString(supplier_id) AS supplier_id,
    toString(buyer_id) AS buyer_id,
    'order' AS document,
    '' AS number,
    order_no,
    line_no,
    toDate32(newest.2, {zone:String}) AS since,
    map('uom', newest_uom, 'unit', unit, 'quantity', toString(newest.6)) AS facts,
    [(toString(newest.4), newest.3)] AS events
FROM
(
    SELECT
        supplier_id,
        buyer_id,
        order_no,
        line_no,
        argMinIf(
            ifNull(toString(uom), ''), (time, revision, event_id, source), isNotNull(uom)) AS unit,
        max((revision, time, event_id, source, ifNull(toString(uom), ''), quantity)) AS newest,
        newest.5 AS newest_uom
    FROM order_versions
    WHERE $partners
    GROUP BY supplier_id, buyer_id, order_no, line_no
)
WHERE newest_uom != '' AND $kind_of(newest_uom) != $kind_of(unit)
