-- Facts per order line, receipt and return, kept up to date by the ledger (see facts/*.sql).
-- derived
-- Which documents an insert concerns: the facts about them are folded anew.
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

-- `rules` names the policy's rules by which a fact was folded; a change of them folds anew.
-- `version` counts what a fact was made of: nothing is ever taken away, so of two processors that
-- fold the same line at once, the one that saw more stands.
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
SETTINGS index_granularity = 1024;

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
SETTINGS index_granularity = 1024;

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
SETTINGS index_granularity = 1024;

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
SETTINGS index_granularity = 1024;

-- The rules by which the whole ledger is folded.
CREATE TABLE IF NOT EXISTS folded_rules $on_cluster
(
    rules UInt64,
    description String,
    folded_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = $replacing
ORDER BY rules;

-- Views of versions before this one: what they worked out at every question is kept now.
DROP VIEW IF EXISTS line_facts $on_cluster;
DROP VIEW IF EXISTS order_lines_at $on_cluster;
DROP VIEW IF EXISTS returns_at $on_cluster;
DROP VIEW IF EXISTS receipts_at $on_cluster;
