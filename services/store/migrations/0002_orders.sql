-- Orders by line: versions (placed, changed), confirmations, cancellations.
-- derived
CREATE TABLE IF NOT EXISTS order_versions $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    order_no String,
    line_no String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    revision UInt32 COMMENT '0 = placed',
    item_no String,
    description Nullable(String),
    quantity Decimal(38, 6),
    uom LowCardinality(Nullable(String)),
    unit_price Nullable(Decimal(38, 6)),
    currency LowCardinality(Nullable(String)),
    requested_date Date32,
    ship_to Nullable(String),
    partnership Nullable(String)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, order_no, line_no, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS order_versions_of_events $on_cluster TO order_versions AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.order_no AS order_no,
    line.line_no AS line_no,
    time,
    source,
    id AS event_id,
    document.revision AS revision,
    line.item_no AS item_no,
    line.description AS description,
    line.quantity AS quantity,
    line.uom AS uom,
    line.unit_price AS unit_price,
    document.currency AS currency,
    toDate32(line.requested_date) AS requested_date,
    line.ship_to AS ship_to,
    document.partnership AS partnership
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, order_no String, revision UInt32,
            currency Nullable(String), partnership Nullable(String),
            lines Array(Tuple(
                line_no String, item_no String, description Nullable(String),
                quantity Decimal(38, 6), uom Nullable(String), unit_price Nullable(Decimal(38, 6)),
                requested_date String, ship_to Nullable(String))))') AS document
    FROM events
    WHERE type IN ('id.rantai.order.placed.v1', 'id.rantai.order.changed.v1')
)
ARRAY JOIN document.lines AS line;

CREATE TABLE IF NOT EXISTS order_confirmations $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    order_no String,
    line_no String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    status LowCardinality(String),
    confirmed_quantity Nullable(Decimal(38, 6)),
    confirmed_date Nullable(Date32)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, order_no, line_no, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS order_confirmations_of_events $on_cluster
TO order_confirmations AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.order_no AS order_no,
    line.line_no AS line_no,
    time,
    source,
    id AS event_id,
    line.status AS status,
    line.confirmed_quantity AS confirmed_quantity,
    toDate32OrNull(line.confirmed_date) AS confirmed_date
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, order_no String,
            lines Array(Tuple(
                line_no String, status String, confirmed_quantity Nullable(Decimal(38, 6)),
                confirmed_date String)))') AS document
    FROM events
    WHERE type = 'id.rantai.order.confirmed.v1'
)
ARRAY JOIN document.lines AS line;

CREATE TABLE IF NOT EXISTS order_cancellations $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    order_no String,
    line_no String COMMENT 'empty: the whole order, also lines added later',
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    cancelled_by LowCardinality(String),
    reason Nullable(String)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, order_no, line_no, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS order_cancellations_of_events $on_cluster
TO order_cancellations AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.order_no AS order_no,
    arrayJoin(if(empty(document.lines), [''], document.lines)) AS line_no,
    time,
    source,
    id AS event_id,
    document.by AS cancelled_by,
    document.reason AS reason
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, order_no String, lines Array(String),
            by String, reason Nullable(String))') AS document
    FROM events
    WHERE type = 'id.rantai.order.cancelled.v1'
);
