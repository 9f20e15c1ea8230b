-- Which events are behind the receipts, inspections and complaints of a supplier?
-- And (kind `line`) behind what was received of each order line, even if the order is not known.
SELECT buyer_id, kind, number, arraySort(groupUniqArray(CAST(event, 'Tuple(String, String)'))) AS events
FROM
(
    SELECT buyer_id, 'receipt' AS kind, receipt_no AS number, arrayJoin(events) AS event
    FROM receipt_facts FINAL
    WHERE rules = {rules:UInt64} AND supplier_id IN {suppliers:Array(String)}
    UNION ALL
    SELECT buyer_id, 'line', concat(order_no, '\n', line_no), arrayJoin(events)
    FROM receipt_facts FINAL
    WHERE rules = {rules:UInt64} AND supplier_id IN {suppliers:Array(String)}
    UNION ALL
    SELECT buyer_id, 'inspection', inspection_no, (source, event_id)
    FROM inspections
    WHERE supplier_id IN {suppliers:Array(String)}
    UNION ALL
    SELECT buyer_id, 'complaint', complaint_no, (source, event_id)
    FROM complaints
    WHERE supplier_id IN {suppliers:Array(String)}
    UNION ALL
    SELECT buyer_id, 'complaint', complaint_no, (source, event_id)
    FROM complaint_answers
    WHERE supplier_id IN {suppliers:Array(String)}
    UNION ALL
    SELECT buyer_id, 'complaint', complaint_no, (source, event_id)
    FROM complaint_closings
    WHERE supplier_id IN {suppliers:Array(String)}
)
WHERE empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)}
GROUP BY buyer_id, kind, number
