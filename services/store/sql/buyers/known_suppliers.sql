-- Which suppliers exist, where do they belong, who buys from them, and what is their facts' mark?
-- Mark 0 = no facts. The answer comes from small tables about suppliers, never from their documents.
WITH
    marked AS
    (
        SELECT
            supplier_id,
            groupUniqArrayIf(buyer_id, buyer_id != '') AS buyers,
            sum(mark) AS mark
        FROM fold_marks
        WHERE rules = {rules:UInt64}
        GROUP BY supplier_id
    ),
    agreed AS
    (
        SELECT supplier_id, groupUniqArray(buyer_id) AS buyers
        FROM partnerships
        GROUP BY supplier_id
    ),
    registered AS
    (
        -- A later registration replaces the earlier one.
        SELECT
            partner_id AS supplier_id,
            argMax(tuple(role, province, cluster), (time, event_id, source)) AS v
        FROM partners
        GROUP BY partner_id
    ),
    known AS
    (
        SELECT supplier_id FROM marked
        UNION DISTINCT
        SELECT supplier_id FROM agreed
        UNION DISTINCT
        SELECT supplier_id FROM registered WHERE v.1 = 'supplier'
    )
SELECT
    k.supplier_id AS supplier_id,
    ifNull(r.v.2, '') AS region,
    ifNull(r.v.3, '') AS cluster,
    arrayDistinct(arrayConcat(m.buyers, a.buyers)) AS buyers,
    m.mark AS mark
FROM known AS k
LEFT JOIN marked AS m USING (supplier_id)
LEFT JOIN agreed AS a USING (supplier_id)
LEFT JOIN registered AS r USING (supplier_id)
