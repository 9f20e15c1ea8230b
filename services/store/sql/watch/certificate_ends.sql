-- When does each certificate of each supplier end?
-- Of one certificate the entry with the latest first day stands, even if that day is to come: it renews
-- the earlier one. Certificates without an end are left out.
SELECT supplier_id, certificate, ends
FROM
(
    SELECT supplier_id, certificate, argMax(tuple(valid_to), (valid_from, time, event_id)).1 AS ends
    FROM certificates
    GROUP BY supplier_id, certificate
)
WHERE isNotNull(ends)
