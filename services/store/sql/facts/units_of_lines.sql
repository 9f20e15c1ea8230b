-- What is the unit of each order line, and since which day is it known?
-- It is the unit of the first version that names one. versions: their number (the default 0 of a join
-- means that the line has none).
SELECT
    supplier_id,
    buyer_id,
    order_no,
    line_no,
    toDate32(min(time), {zone:String}) AS first_day,
    argMinIf(
        ifNull(toString(uom), ''), (time, revision, event_id, source), isNotNull(uom)) AS unit,
    toDate32(minIf(time, isNotNull(uom)), {zone:String}) AS unit_day,
    toUInt32(uniqExact(time, event_id, source)) AS versions
FROM order_versions
