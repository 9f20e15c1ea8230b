-- What every inspection $which names adds to the figures: the version sent last stands.
-- inspected: day = that of the inspection; a quantity rejected, b disposition accepted.
INSERT INTO figure_parts
SELECT
    {rules:UInt64},
    supplier_id,
    buyer_id,
    'inspection',
    inspection_no,
    '',
    uniqExact(time, source, event_id),
    [CAST(
        (
            'inspected', '',
            toDate32(argMax(inspected_at, (time, event_id, source)), {zone:String}) AS day,
            day, toDate32('2299-12-31'),
            argMax(quantity_rejected, (time, event_id, source)),
            argMax(disposition, (time, event_id, source)) = 'accepted', 0, 0, 0, 0, 0
        ),
        '$part')]
FROM inspections
WHERE $which
GROUP BY supplier_id, buyer_id, inspection_no
