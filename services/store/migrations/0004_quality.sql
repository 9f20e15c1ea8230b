-- Quality: inspected lots, complaints and the steps of their answer, disputes of a line.
-- derived
CREATE TABLE IF NOT EXISTS inspections $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    inspection_no String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    inspected_at DateTime64(6, 'UTC'),
    receipt_no Nullable(String),
    order_no String,
    line_no String,
    item_no Nullable(String),
    quantity_inspected Decimal(38, 6),
    quantity_rejected Decimal(38, 6),
    disposition LowCardinality(String),
    defects Array(Tuple(code String, quantity Nullable(Decimal(38, 6)))),
    uom LowCardinality(Nullable(String))
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, inspection_no, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE TABLE IF NOT EXISTS complaints $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    complaint_no String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    opened_at DateTime64(6, 'UTC'),
    severity LowCardinality(String),
    order_no Nullable(String),
    line_no Nullable(String),
    item_no Nullable(String),
    quantity Nullable(Decimal(38, 6)),
    inspection_no Nullable(String),
    failure_mode Nullable(String)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, complaint_no, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS complaints_of_events $on_cluster TO complaints AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.complaint_no AS complaint_no,
    time,
    source,
    id AS event_id,
    parseDateTime64BestEffort(document.opened_at, 6, 'UTC') AS opened_at,
    document.severity AS severity,
    document.order_no AS order_no,
    document.line_no AS line_no,
    document.item_no AS item_no,
    document.quantity AS quantity,
    document.inspection_no AS inspection_no,
    document.failure_mode AS failure_mode
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, complaint_no String, opened_at String,
            severity String, order_no Nullable(String), line_no Nullable(String),
            item_no Nullable(String), quantity Nullable(Decimal(38, 6)),
            inspection_no Nullable(String), failure_mode Nullable(String))') AS document
    FROM events
    WHERE type = 'id.rantai.quality.complaint_opened.v1'
);

CREATE TABLE IF NOT EXISTS complaint_answers $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    complaint_no String,
    step LowCardinality(String),
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    answered_at DateTime64(6, 'UTC')
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, complaint_no, step, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS complaint_answers_of_events $on_cluster
TO complaint_answers AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.complaint_no AS complaint_no,
    document.step AS step,
    time,
    source,
    id AS event_id,
    parseDateTime64BestEffort(document.answered_at, 6, 'UTC') AS answered_at
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, complaint_no String, step String,
            answered_at String)') AS document
    FROM events
    WHERE type = 'id.rantai.quality.complaint_answered.v1'
);

CREATE TABLE IF NOT EXISTS complaint_closings $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    complaint_no String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    closed_at DateTime64(6, 'UTC')
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, complaint_no, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS complaint_closings_of_events $on_cluster
TO complaint_closings AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.complaint_no AS complaint_no,
    time,
    source,
    id AS event_id,
    parseDateTime64BestEffort(document.closed_at, 6, 'UTC') AS closed_at
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, complaint_no String, closed_at String)') AS document
    FROM events
    WHERE type = 'id.rantai.quality.complaint_closed.v1'
);

CREATE TABLE IF NOT EXISTS disputes $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    order_no String,
    line_no String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    reason String,
    evidence Nullable(String)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, order_no, line_no, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS disputes_of_events $on_cluster TO disputes AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.order_no AS order_no,
    document.line_no AS line_no,
    time,
    source,
    id AS event_id,
    document.reason AS reason,
    document.evidence AS evidence
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, order_no String, line_no String,
            reason String, evidence Nullable(String))') AS document
    FROM events
    WHERE type = 'id.rantai.line.disputed.v1'
);

CREATE TABLE IF NOT EXISTS dispute_answers $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    order_no String,
    line_no String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    answer LowCardinality(String),
    note Nullable(String)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, order_no, line_no, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS dispute_answers_of_events $on_cluster TO dispute_answers AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.order_no AS order_no,
    document.line_no AS line_no,
    time,
    source,
    id AS event_id,
    document.answer AS answer,
    document.note AS note
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, order_no String, line_no String,
            answer String, note Nullable(String))') AS document
    FROM events
    WHERE type = 'id.rantai.line.dispute_answered.v1'
);
