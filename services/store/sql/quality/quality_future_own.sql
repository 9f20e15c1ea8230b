-- Which standing versions of a $document name an instant over 24 hours after they were stored?
-- Such an instant is also after the version's time, so only such versions are looked up in the ledger.
WITH
    standing AS
    (
        SELECT
            toString(supplier_id) AS supplier_id, toString(buyer_id) AS buyer_id,
            $number AS number, max((time, event_id, source, $dated)) AS v
        FROM $table
        WHERE $partners
        GROUP BY supplier_id, buyer_id, $number$step
        HAVING v.4 > v.1
    )
SELECT
    s.supplier_id AS supplier_id,
    s.buyer_id AS buyer_id,
    '$document' AS document,
    s.number AS number,
    '' AS order_no,
    '' AS line_no,
    toDate32(e.stored_at, {zone:String}) AS since,
    map(
        'name', '$dated',
        'type', toString(e.type),
        'future_on', toString(toDate32(s.v.4, {zone:String})),
        'stored_on', toString(since)) AS facts,
    [(toString(e.source), e.id)] AS events
FROM standing AS s
INNER JOIN
(
    SELECT source, id, any(type) AS type, min(stored_at) AS stored_at
    FROM events
    WHERE (source, id) IN (SELECT v.3, v.2 FROM standing)
    GROUP BY source, id
) AS e ON toString(e.source) = toString(s.v.3) AND e.id = s.v.2
WHERE s.v.4 > e.stored_at + toIntervalHour(24)
    AND s.v.1 <= e.stored_at + toIntervalHour(24)
