-- Which documents an insert concerns: the facts about them are folded anew (their tables: 0012).
-- derived
CREATE TABLE IF NOT EXISTS touched $on_cluster
(
    batch UUID,
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    kind LowCardinality(String)
        COMMENT 'order, receipt, return, despatch, inspection, complaint, or partner without a number',
    number String,
    stored_at DateTime('UTC')
)
ENGINE = $replacing
ORDER BY (batch, supplier_id, buyer_id, kind, number)
TTL stored_at + INTERVAL 1 DAY
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS touched_of_events $on_cluster TO touched AS
SELECT
    batch,
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    multiIf(
        startsWith(type, 'id.rantai.order.'), 'order',
        type = 'id.rantai.delivery.despatched.v1', 'despatch',
        type = 'id.rantai.delivery.returned.v1', 'return',
        startsWith(type, 'id.rantai.delivery.'), 'receipt',
        type = 'id.rantai.quality.inspected.v1', 'inspection',
        startsWith(type, 'id.rantai.quality.'), 'complaint',
        'partner') AS kind,
    multiIf(
        kind = 'order', document.order_no,
        kind = 'despatch', document.despatch_no,
        kind = 'return', document.return_no,
        kind = 'receipt', document.receipt_no,
        kind = 'inspection', document.inspection_no,
        kind = 'complaint', document.complaint_no,
        '') AS number,
    toDateTime(stored_at) AS stored_at
FROM
(
    SELECT
        batch,
        type,
        stored_at,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, order_no String, despatch_no String,
            receipt_no String, return_no String, inspection_no String, complaint_no String)')
            AS document
    FROM events
    WHERE startsWith(type, 'id.rantai.order.') OR startsWith(type, 'id.rantai.delivery.')
        OR startsWith(type, 'id.rantai.quality.')
        OR type IN (
            'id.rantai.partner.certified.v1', 'id.rantai.partner.assessed.v1',
            'id.rantai.partner.capacity_declared.v1')
);

-- Views of versions before this one: what they worked out at every question is kept now.
DROP VIEW IF EXISTS line_facts $on_cluster;
DROP VIEW IF EXISTS order_lines_at $on_cluster;
DROP VIEW IF EXISTS returns_at $on_cluster;
DROP VIEW IF EXISTS receipts_at $on_cluster;
