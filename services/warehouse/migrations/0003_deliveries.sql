-- Deliveries by line: despatch advice, goods receipts, their reversals, goods sent back.
-- derived
CREATE TABLE IF NOT EXISTS despatch_lines $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    despatch_no String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    position UInt32 COMMENT 'place in the document, from 1: two equal lines are two',
    order_no String,
    line_no String,
    quantity Decimal(38, 6),
    expected_at Nullable(DateTime64(6, 'UTC')),
    vehicle Nullable(String)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, despatch_no, time, source, event_id, position)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS despatch_lines_of_events $on_cluster TO despatch_lines AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.despatch_no AS despatch_no,
    time,
    source,
    id AS event_id,
    position AS position,
    line.order_no AS order_no,
    line.line_no AS line_no,
    line.quantity AS quantity,
    parseDateTime64BestEffortOrNull(document.expected_at, 6, 'UTC') AS expected_at,
    document.vehicle AS vehicle
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, despatch_no String, expected_at String,
            vehicle Nullable(String), lines Array(Tuple(order_no String, line_no String, quantity Decimal(38, 6))))') AS document
    FROM events
    WHERE type = 'id.rantai.delivery.despatched.v1'
)
ARRAY JOIN document.lines AS line, arrayEnumerate(document.lines) AS position;

CREATE TABLE IF NOT EXISTS receipt_lines $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    receipt_no String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    position UInt32 COMMENT 'place in the document, from 1: two equal lines are two',
    received_at DateTime64(6, 'UTC'),
    despatch_no Nullable(String),
    order_no String,
    line_no String,
    quantity Decimal(38, 6)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, receipt_no, time, source, event_id, position)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS receipt_lines_of_events $on_cluster TO receipt_lines AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.receipt_no AS receipt_no,
    time,
    source,
    id AS event_id,
    position AS position,
    parseDateTime64BestEffort(document.received_at, 6, 'UTC') AS received_at,
    document.despatch_no AS despatch_no,
    line.order_no AS order_no,
    line.line_no AS line_no,
    line.quantity AS quantity
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, receipt_no String, received_at String,
            despatch_no Nullable(String), lines Array(Tuple(order_no String, line_no String, quantity Decimal(38, 6))))') AS document
    FROM events
    WHERE type = 'id.rantai.delivery.received.v1'
)
ARRAY JOIN document.lines AS line, arrayEnumerate(document.lines) AS position;

CREATE TABLE IF NOT EXISTS reversal_lines $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    receipt_no String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    position UInt32 COMMENT '0: all of the receipt',
    order_no String,
    line_no String,
    quantity Decimal(38, 6)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, receipt_no, time, source, event_id, position)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS reversal_lines_of_events $on_cluster TO reversal_lines AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.receipt_no AS receipt_no,
    time,
    source,
    id AS event_id,
    position AS position,
    line.order_no AS order_no,
    line.line_no AS line_no,
    line.quantity AS quantity
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, receipt_no String,
            lines Array(Tuple(order_no String, line_no String, quantity Decimal(38, 6))))') AS document
    FROM events
    WHERE type = 'id.rantai.delivery.reversed.v1'
)
LEFT ARRAY JOIN document.lines AS line, arrayEnumerate(document.lines) AS position;

CREATE TABLE IF NOT EXISTS return_lines $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    return_no String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    position UInt32 COMMENT 'place in the document, from 1: two equal lines are two',
    returned_at DateTime64(6, 'UTC'),
    receipt_no Nullable(String),
    order_no String,
    line_no String,
    quantity Decimal(38, 6),
    reason Nullable(String)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, return_no, time, source, event_id, position)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS return_lines_of_events $on_cluster TO return_lines AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.return_no AS return_no,
    time,
    source,
    id AS event_id,
    position AS position,
    parseDateTime64BestEffort(document.returned_at, 6, 'UTC') AS returned_at,
    document.receipt_no AS receipt_no,
    line.order_no AS order_no,
    line.line_no AS line_no,
    line.quantity AS quantity,
    document.reason AS reason
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, return_no String, returned_at String,
            receipt_no Nullable(String), reason Nullable(String),
            lines Array(Tuple(order_no String, line_no String, quantity Decimal(38, 6))))') AS document
    FROM events
    WHERE type = 'id.rantai.delivery.returned.v1'
)
ARRAY JOIN document.lines AS line, arrayEnumerate(document.lines) AS position;
