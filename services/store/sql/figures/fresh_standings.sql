-- How do these suppliers (empty = all) stand at a date, where the kept standing is not stale?
SELECT k.supplier_id AS supplier_id, k.summary AS summary, k.scorecard AS scorecard
FROM
(
    SELECT supplier_id, mark, summary, scorecard
    FROM standings FINAL
    WHERE policy = {policy:UInt64} AND as_of = {as_of:Date32}
        AND (empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)})
) AS k
LEFT JOIN
(
    SELECT supplier_id, sum(mark) AS mark
    FROM fold_marks
    WHERE rules = {rules:UInt64}
    GROUP BY supplier_id
) AS m USING (supplier_id)
WHERE k.mark = m.mark
