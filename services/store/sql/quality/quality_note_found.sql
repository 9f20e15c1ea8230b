-- Records those findings of a kind that exist and are not recorded yet.
INSERT INTO kept_findings
    (kind, supplier_id, buyer_id, document, number, order_no, line_no, since, facts, events, version)
SELECT
    {kind:String}, supplier_id, buyer_id, document, number, order_no, line_no, since, facts, events,
    {version:UInt64}
FROM
(
$findings
)
WHERE since <= {as_of:Date32}
    AND (supplier_id, buyer_id, document, number, order_no, line_no) NOT IN
    (
        SELECT
            toString(supplier_id), toString(buyer_id), toString(document), number, order_no, line_no
        FROM kept_findings FINAL
        WHERE kind = {kind:String} AND gone_on IS NULL
    )
