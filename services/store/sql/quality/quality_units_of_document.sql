-- Which lines of a $document have a unit that does not go with their order line?
-- Either it does not convert into the order line's unit, or (`missing`) no version of the order line
-- names a unit. Of a document that can be sent again, only the standing version counts.
WITH
    named AS
    (
        SELECT
            supplier_id, buyer_id, $number AS number, time, event_id, source, order_no, line_no,
            $quantity AS quantity, toString(uom) AS uom
        FROM $table
        WHERE $partners AND isNotNull(uom)
    ),
    units AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no,
            argMinIf(
                ifNull(toString(uom), ''), (time, revision, event_id, source), isNotNull(uom))
                AS unit
        FROM order_versions
        WHERE $partners
        GROUP BY supplier_id, buyer_id, order_no, line_no
    ),
    wrong AS
    (
        SELECT
            n.supplier_id AS supplier_id, n.buyer_id AS buyer_id, n.number AS number,
            n.time AS time, n.event_id AS event_id, n.source AS source, n.order_no AS order_no,
            n.line_no AS line_no, n.quantity AS quantity, n.uom AS uom, u.unit AS unit
        FROM named AS n
        INNER JOIN units AS u USING (supplier_id, buyer_id, order_no, line_no)
        WHERE if({missing:Bool}, unit = '', unit != '' AND $kind_of(uom) != $kind_of(unit))
    ),
    standing AS
    (
        SELECT supplier_id, buyer_id, $number AS number, max((time, event_id, source)) AS stands
        FROM $table
        WHERE $partners
            AND (supplier_id, buyer_id, $number) IN (
                SELECT supplier_id, buyer_id, number FROM wrong)
        GROUP BY supplier_id, buyer_id, $number
    )
SELECT
    toString(w.supplier_id) AS supplier_id,
    toString(w.buyer_id) AS buyer_id,
    '$document' AS document,
    w.number AS number,
    w.order_no AS order_no,
    w.line_no AS line_no,
    toDate32(max(w.time), {zone:String}) AS since,
    map(
        'uom', any(w.uom), 'unit', any(w.unit), 'quantity', toString(sum(w.quantity))) AS facts,
    groupUniqArray((toString(w.source), w.event_id)) AS events
FROM wrong AS w
INNER JOIN standing AS s USING (supplier_id, buyer_id, number)
WHERE NOT $sent_again OR s.stands = (w.time, w.event_id, w.source)
GROUP BY w.supplier_id, w.buyer_id, w.number, w.order_no, w.line_no
