-- Which certificate of each supplier ends when? Of one certificate the entry with the latest first
-- day stands, also one to come: it renews the other. Those without an end are left out.
SELECT supplier_id, certificate, ends
FROM
(
    SELECT supplier_id, certificate, argMax(tuple(valid_to), (valid_from, time, event_id)).1 AS ends
    FROM certificates
    GROUP BY supplier_id, certificate
)
WHERE isNotNull(ends)
