-- Which findings were put right between two days, the latest first, and how many in all?
-- A finding that disappeared because it is older than the 180 days reported was not put right.
SELECT
    kind, supplier_id, buyer_id, document, number, order_no, line_no, since, facts, events, gone_on,
    count() OVER () AS total
FROM kept_findings FINAL
WHERE kind IN {kinds:Array(String)} AND gone_on >= {first:Date32} AND gone_on <= {as_of:Date32}
    AND NOT (kind IN {lapsing:Array(String)} AND gone_on >= since + 180)
    AND (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
    AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})
ORDER BY gone_on DESC, kind, supplier_id, buyer_id, number, order_no, line_no
LIMIT {limit:UInt32}
