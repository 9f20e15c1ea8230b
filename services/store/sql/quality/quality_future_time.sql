-- Which events have a time over 24 hours after they were stored?
-- Versions sent later do not replace them, because theirs is the highest time.
SELECT *
FROM
(
    SELECT
        JSONExtractString(data, 'supplier_id') AS supplier_id,
        JSONExtractString(data, 'buyer_id') AS buyer_id,
        'event' AS document,
        id AS number,
        '' AS order_no,
        '' AS line_no,
        toDate32(stored_at, {zone:String}) AS since,
        map(
            'name', 'time',
            'type', toString(type),
            'future_on', toString(toDate32(time, {zone:String})),
            'stored_on', toString(since)) AS facts,
        [(toString(source), id)] AS events
    FROM events FINAL
    WHERE time > stored_at + toIntervalHour(24)
        -- Selected without FINAL, which would read the content of every event.
        AND (source, id) IN (
            SELECT source, id FROM events WHERE time > stored_at + toIntervalHour(24))
)
WHERE $partners
