-- Units of what is delivered and inspected, and facts of the second edition of docs/figures.md:
-- quantities in the smallest unit of their kind, so that they convert exactly. A view names the new
-- column last, as the table has it: what is filled afterwards goes by place.
-- derived

ALTER TABLE despatch_lines $on_cluster
    ADD COLUMN IF NOT EXISTS uom LowCardinality(Nullable(String));

DROP VIEW IF EXISTS despatch_lines_of_events $on_cluster SYNC;

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
    document.vehicle AS vehicle,
    line.uom AS uom
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, despatch_no String, expected_at String,
            vehicle Nullable(String), lines Array(Tuple(order_no String, line_no String, quantity Decimal(38, 6), uom Nullable(String))))') AS document
    FROM events
    WHERE type = 'id.rantai.delivery.despatched.v1'
)
ARRAY JOIN document.lines AS line, arrayEnumerate(document.lines) AS position;

ALTER TABLE receipt_lines $on_cluster
    ADD COLUMN IF NOT EXISTS uom LowCardinality(Nullable(String));

DROP VIEW IF EXISTS receipt_lines_of_events $on_cluster SYNC;

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
    line.quantity AS quantity,
    line.uom AS uom
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, receipt_no String, received_at String,
            despatch_no Nullable(String), lines Array(Tuple(order_no String, line_no String, quantity Decimal(38, 6), uom Nullable(String))))') AS document
    FROM events
    WHERE type = 'id.rantai.delivery.received.v1'
)
ARRAY JOIN document.lines AS line, arrayEnumerate(document.lines) AS position;

ALTER TABLE reversal_lines $on_cluster
    ADD COLUMN IF NOT EXISTS uom LowCardinality(Nullable(String));

DROP VIEW IF EXISTS reversal_lines_of_events $on_cluster SYNC;

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
    line.quantity AS quantity,
    line.uom AS uom
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, receipt_no String,
            lines Array(Tuple(order_no String, line_no String, quantity Decimal(38, 6), uom Nullable(String))))') AS document
    FROM events
    WHERE type = 'id.rantai.delivery.reversed.v1'
)
LEFT ARRAY JOIN document.lines AS line, arrayEnumerate(document.lines) AS position;

ALTER TABLE return_lines $on_cluster
    ADD COLUMN IF NOT EXISTS uom LowCardinality(Nullable(String));

DROP VIEW IF EXISTS return_lines_of_events $on_cluster SYNC;

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
    document.reason AS reason,
    line.uom AS uom
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, return_no String, returned_at String,
            receipt_no Nullable(String), reason Nullable(String),
            lines Array(Tuple(order_no String, line_no String, quantity Decimal(38, 6), uom Nullable(String))))') AS document
    FROM events
    WHERE type = 'id.rantai.delivery.returned.v1'
)
ARRAY JOIN document.lines AS line, arrayEnumerate(document.lines) AS position;

ALTER TABLE inspections $on_cluster
    ADD COLUMN IF NOT EXISTS uom LowCardinality(Nullable(String));

DROP VIEW IF EXISTS inspections_of_events $on_cluster SYNC;

CREATE MATERIALIZED VIEW IF NOT EXISTS inspections_of_events $on_cluster TO inspections AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.inspection_no AS inspection_no,
    time,
    source,
    id AS event_id,
    parseDateTime64BestEffort(document.inspected_at, 6, 'UTC') AS inspected_at,
    document.receipt_no AS receipt_no,
    document.order_no AS order_no,
    document.line_no AS line_no,
    document.item_no AS item_no,
    document.quantity_inspected AS quantity_inspected,
    document.quantity_rejected AS quantity_rejected,
    document.disposition AS disposition,
    document.defects AS defects,
    document.uom AS uom
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, inspection_no String, inspected_at String,
            receipt_no Nullable(String), order_no String, line_no String, item_no Nullable(String),
            quantity_inspected Decimal(38, 6), quantity_rejected Decimal(38, 6), disposition String,
            uom Nullable(String),
            defects Array(Tuple(code String, quantity Nullable(Decimal(38, 6)))))') AS document
    FROM events
    WHERE type = 'id.rantai.quality.inspected.v1'
);

-- The facts are made anew: where no rules are remembered, the whole ledger is folded.
DROP TABLE IF EXISTS folded_rules $on_cluster SYNC;
DROP TABLE IF EXISTS receipt_facts $on_cluster SYNC;
DROP TABLE IF EXISTS return_facts $on_cluster SYNC;
DROP TABLE IF EXISTS order_line_facts $on_cluster SYNC;
DROP TABLE IF EXISTS figure_parts $on_cluster SYNC;

-- `rules` names the policy's rules by which a fact was folded; a change of them folds anew.
-- `version` counts what a fact was made of: nothing is ever taken away, so of two processors that
-- fold the same line at once, the one that saw more stands.
-- Quantities are in the smallest unit of the kind of their unit: pieces, mg, mm, cm2, ml, s. In a
-- unit that nothing converts into, and without one, they are as they came.
CREATE TABLE IF NOT EXISTS receipt_facts $on_cluster
(
    rules UInt64,
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    order_no String,
    line_no String,
    receipt_no String,
    version UInt32,
    received_at DateTime64(6, 'UTC'),
    received_on Date32,
    despatch_no Nullable(String),
    named UInt8 COMMENT 'the standing version names the line',
    orphan_unit String COMMENT 'the unit while the order line has no version',
    conflict_from Date32
        COMMENT 'from then on the line is a unit conflict; 2299-12-31 where it never is',
    net Array(Tuple(known_on Date32, quantity Decimal(38, 6)))
        COMMENT 'what came, and what a reversal or a unit made of it: counts where known_on < T',
    events Array(Tuple(source String, id String))
)
ENGINE = $replacing(version)
PARTITION BY rules
ORDER BY (rules, supplier_id, buyer_id, order_no, line_no, receipt_no)
SETTINGS index_granularity = 1024, min_bytes_for_full_part_storage = 10485760;

CREATE TABLE IF NOT EXISTS return_facts $on_cluster
(
    rules UInt64,
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    order_no String,
    line_no String,
    return_no String,
    version UInt32,
    returned_at DateTime64(6, 'UTC'),
    returned_on Date32,
    net Array(Tuple(known_on Date32, quantity Decimal(38, 6)))
        COMMENT 'what went back, and what a unit made of it: counts where known_on < T',
    events Array(Tuple(source String, id String))
)
ENGINE = $replacing(version)
PARTITION BY rules
ORDER BY (rules, supplier_id, buyer_id, order_no, line_no, return_no)
SETTINGS index_granularity = 1024, min_bytes_for_full_part_storage = 10485760;

CREATE TABLE IF NOT EXISTS order_line_facts $on_cluster
(
    rules UInt64,
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    order_no String,
    line_no String,
    version UInt32,
    first_at DateTime64(6, 'UTC') COMMENT 'time of the first version',
    first_day Date32 COMMENT 'its business date; 2299-12-31 where the line has no version',
    first_requested Date32,
    confirmed_at Nullable(DateTime64(6, 'UTC')) COMMENT 'the first confirmation of any status',
    confirmed_day Nullable(Date32),
    confirmation_rejected UInt8,
    called_off_at Nullable(DateTime64(6, 'UTC'))
        COMMENT 'the first cancellation by the buyer, or version that asks for 0',
    steps Array(Tuple(
        day Date32, due Date32, requested Date32, quantity Decimal(38, 6), most Decimal(38, 6),
        out String, cancelled_by String, any_cancellation UInt8,
        unit_price Nullable(Decimal(38, 6)), price_scale Decimal(38, 6), currency String,
        item_no String, uom String, revision UInt32, confirmed UInt8,
        due_set_by Tuple(source String, id String), effect String))
        COMMENT 'the line after each of its events, in their order, and after each receipt that moves what it asks for; the last with day < T is it at T',
    receipts Array(Tuple(
        received_on Date32, known_on Date32, quantity Decimal(38, 6), receipt_no String,
        received_at DateTime64(6, 'UTC'), orphan_unit String))
        COMMENT 'net receipts by date, as net of receipt_facts',
    returns Array(Tuple(
        returned_on Date32, known_on Date32, quantity Decimal(38, 6), return_no String,
        returned_at DateTime64(6, 'UTC'))),
    events Array(Tuple(day Date32, source String, id String))
        COMMENT 'what each step is made of; a receipt has no id here'
)
ENGINE = $replacing(version)
PARTITION BY rules
ORDER BY (rules, supplier_id, buyer_id, order_no, line_no)
SETTINGS index_granularity = 1024, min_bytes_for_full_part_storage = 10485760;

-- What each order line, receipt, inspection and complaint adds to the figures, and for which dates.
-- A part counts at T where since < T <= until; its `day` decides in which window. What the letters
-- hold differs by family: see facts/*_parts.sql.
CREATE TABLE IF NOT EXISTS figure_parts $on_cluster
(
    rules UInt64,
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    kind LowCardinality(String),
    number String,
    line_no String,
    version UInt64
        COMMENT 'of what it is made: its own versions x 2^32 and those of what it names; a part that saw more stands',
    parts Array(Tuple(
        family String, label String, day Date32, since Date32, until Date32,
        a Decimal(38, 6), b Decimal(38, 6), c Decimal(38, 6), d Decimal(38, 6), e Decimal(38, 6),
        f Decimal(38, 6), g Decimal(38, 6)))
)
ENGINE = $replacing(version)
PARTITION BY rules
ORDER BY (rules, supplier_id, buyer_id, kind, number, line_no)
SETTINGS index_granularity = 1024, min_bytes_for_full_part_storage = 10485760;

-- The rules by which the whole ledger is folded.
CREATE TABLE IF NOT EXISTS folded_rules $on_cluster
(
    rules UInt64,
    description String,
    folded_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = $replacing
ORDER BY rules;
