-- Records as gone those findings of a kind that are recorded and no longer exist.
-- While the facts are being folded again there are no findings, so nothing is recorded as gone.
INSERT INTO kept_findings
    (kind, supplier_id, buyer_id, document, number, order_no, line_no, since, facts, events, gone_on,
    version)
SELECT
    kind, supplier_id, buyer_id, document, number, order_no, line_no, since, facts, events,
    {as_of:Date32}, {version:UInt64}
FROM kept_findings FINAL
WHERE kind = {kind:String} AND gone_on IS NULL
    AND {rules:UInt64} IN (SELECT rules FROM folded_rules)
    AND (toString(supplier_id), toString(buyer_id), toString(document), number, order_no, line_no)
    NOT IN
    (
        SELECT supplier_id, buyer_id, document, number, order_no, line_no
        FROM
        (
$findings
        )
        WHERE since <= {as_of:Date32}
    )
