-- Which announcements are in the store but not known to be on the topic?
SELECT supplier_id, number, id, event, state
FROM announcements FINAL
WHERE published = 0
ORDER BY supplier_id, number
