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
    vehicle Nullable(String),
    uom LowCardinality(Nullable(String))
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, despatch_no, time, source, event_id, position)
SETTINGS index_granularity = 1024;

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
    quantity Decimal(38, 6),
    uom LowCardinality(Nullable(String))
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, receipt_no, time, source, event_id, position)
SETTINGS index_granularity = 1024;

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
    quantity Decimal(38, 6),
    uom LowCardinality(Nullable(String))
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, receipt_no, time, source, event_id, position)
SETTINGS index_granularity = 1024;

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
    reason Nullable(String),
    uom LowCardinality(Nullable(String))
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, return_no, time, source, event_id, position)
SETTINGS index_granularity = 1024;
