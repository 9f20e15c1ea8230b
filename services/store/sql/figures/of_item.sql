-- Does a part of a figure belong to one item? This is a condition, not a query.
-- It does if it is of an order line that asks for the item at T, of an inspection of such a line, of a
-- complaint about the item, or of a complaint that names such a line and no item.
(supplier_id, kind, number, line_no) IN
(
    WITH
        wanted AS
        (
            SELECT supplier_id, order_no, line_no
            FROM order_line_facts FINAL
            WHERE rules = {rules:UInt64}
                AND buyer_id IN {buyers:Array(String)}
                AND steps.item_no[arrayCount(d -> d < {as_of:Date32}, steps.day)] = {item:String}
        ),
        documents AS
        (
            SELECT
                supplier_id, kind, number, line_no,
                argMax((of_order, of_line, of_item), (time, event_id, source)) AS v
            FROM
            (
                SELECT
                    supplier_id, 'inspection' AS kind, inspection_no AS number, '' AS line_no,
                    order_no AS of_order, inspections.line_no AS of_line, '' AS of_item, time,
                    event_id, source
                FROM inspections
                WHERE buyer_id IN {buyers:Array(String)}
                UNION ALL
                SELECT
                    supplier_id, 'complaint', complaint_no, '', ifNull(order_no, ''),
                    ifNull(complaints.line_no, ''), ifNull(item_no, ''), time, event_id, source
                FROM complaints
                WHERE buyer_id IN {buyers:Array(String)}
            )
            GROUP BY supplier_id, kind, number, line_no
        )
    SELECT w.supplier_id, document.1, document.2, document.3
    FROM wanted AS w
    LEFT JOIN
    (
        SELECT
            supplier_id, v.1 AS order_no, v.2 AS line_no,
            groupArray((kind, number, documents.line_no)) AS documents
        FROM documents
        WHERE v.3 = ''
        GROUP BY supplier_id, order_no, line_no
    ) AS d USING (supplier_id, order_no, line_no)
    ARRAY JOIN arrayPushBack(d.documents, ('line', w.order_no, w.line_no)) AS document
    UNION ALL
    SELECT supplier_id, kind, number, line_no
    FROM documents
    WHERE v.3 = {item:String}
)
