-- Which order lines do these receipts, inspections and complaints of a supplier name?
-- The version sent last counts.
SELECT kind, buyer_id, number, groupUniqArray((order_no, line_no)) AS lines
FROM
(
    SELECT
        'receipt' AS kind, toString(buyer_id) AS buyer_id, receipt_no AS number,
        tupleElement(line, 1) AS order_no, tupleElement(line, 2) AS line_no
    FROM
    (
        SELECT buyer_id, receipt_no, argMax(named, version) AS standing
        FROM
        (
            SELECT
                buyer_id, receipt_no, (time, event_id, source) AS version,
                groupUniqArray((order_no, line_no)) AS named
            FROM receipt_lines
            WHERE supplier_id = {supplier:String} AND receipt_no IN {numbers:Array(String)}
            GROUP BY buyer_id, receipt_no, version
        )
        GROUP BY buyer_id, receipt_no
    )
    ARRAY JOIN standing AS line
    UNION ALL
    SELECT
        'inspection', toString(buyer_id), inspection_no,
        argMax(order_no, (time, event_id, source)),
        argMax(line_no, (time, event_id, source))
    FROM inspections
    WHERE supplier_id = {supplier:String} AND inspection_no IN {numbers:Array(String)}
    GROUP BY buyer_id, inspection_no
    UNION ALL
    SELECT
        'complaint', toString(buyer_id), complaint_no,
        argMax(ifNull(order_no, ''), (time, event_id, source)),
        argMax(ifNull(line_no, ''), (time, event_id, source))
    FROM complaints
    WHERE supplier_id = {supplier:String} AND complaint_no IN {numbers:Array(String)}
    GROUP BY buyer_id, complaint_no
)
WHERE order_no != '' AND line_no != ''
    AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
GROUP BY kind, buyer_id, number
