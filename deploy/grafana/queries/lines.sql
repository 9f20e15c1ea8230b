-- Which order lines of the supplier stand behind its figures?
SELECT
    buyer_id AS "Buyer",
    order_no AS "Order",
    line_no AS "Line",
    item_no AS "Item",
    due_date AS "Due",
    requested_date AS "Requested",
    ordered AS "Ordered",
    received AS "Received",
    returned AS "Returned",
    uom AS "Unit",
    status AS "Status",
    multiIf(NOT judged, 'not judged', on_time_in_full, 'yes', 'no') AS "On time in full",
    out_because AS "Left out because",
    rejected_quantity AS "Rejected",
    complaints AS "Complaints",
    if(dispute_open, 'open', '') AS "Dispute"
FROM grafana_lines(
    as_of = @as_of,
    window_from = @since,
    suppliers = [${supplier:singlequote}],
    buyers = [${buyer:singlequote}])
WHERE ${status:singlequote} = 'all' OR has(splitByString(', ', status), ${status:singlequote})
ORDER BY due_date DESC, buyer_id, order_no, line_no
LIMIT 1000
