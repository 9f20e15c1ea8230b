-- Partners: master data, certificates, assessments, coaching, capacity, agreements.
-- derived
CREATE TABLE IF NOT EXISTS partners $on_cluster
(
    partner_id String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    role LowCardinality(String),
    name String,
    province Nullable(String),
    regency Nullable(String),
    cluster Nullable(String),
    sector Nullable(String),
    licence_no Nullable(String),
    languages Array(String)
)
ENGINE = $replacing
ORDER BY (partner_id, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS partners_of_events $on_cluster TO partners AS
SELECT
    document.partner_id AS partner_id,
    time,
    source,
    id AS event_id,
    document.role AS role,
    document.name AS name,
    document.province AS province,
    document.regency AS regency,
    document.cluster AS cluster,
    document.sector AS sector,
    document.licence_no AS licence_no,
    document.languages AS languages
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            partner_id String, role String, name String,
            province Nullable(String), regency Nullable(String), cluster Nullable(String),
            sector Nullable(String), licence_no Nullable(String), languages Array(String))') AS document
    FROM events
    WHERE type = 'id.rantai.partner.registered.v1'
);

CREATE TABLE IF NOT EXISTS certificates $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    certificate String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    number Nullable(String),
    valid_from Date32,
    valid_to Nullable(Date32),
    issuer Nullable(String)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, certificate, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS certificates_of_events $on_cluster TO certificates AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.certificate AS certificate,
    time,
    source,
    id AS event_id,
    document.number AS number,
    toDate32(document.valid_from) AS valid_from,
    toDate32OrNull(document.valid_to) AS valid_to,
    document.issuer AS issuer
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, certificate String, number Nullable(String),
            valid_from String, valid_to String, issuer Nullable(String))') AS document
    FROM events
    WHERE type = 'id.rantai.partner.certified.v1'
);

CREATE TABLE IF NOT EXISTS assessments $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    assessor String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    assessed_on Date32,
    pillars Tuple(produksi Decimal(38, 6), pemasaran Decimal(38, 6), keuangan Decimal(38, 6)),
    five_r Array(Decimal(38, 6)) COMMENT 'ringkas, rapi, resik, rawat, rajin; empty where not assessed',
    evidence Nullable(String)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, assessor, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS assessments_of_events $on_cluster TO assessments AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.assessor AS assessor,
    time,
    source,
    id AS event_id,
    toDate32(document.assessed_on) AS assessed_on,
    document.pillars AS pillars,
    if(
        isNull(document.five_r.ringkas),
        [],
        [
            assumeNotNull(document.five_r.ringkas), document.five_r.rapi, document.five_r.resik,
            document.five_r.rawat, document.five_r.rajin
        ]
    ) AS five_r,
    document.evidence AS evidence
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, assessor String, assessed_on String,
            pillars Tuple(
                produksi Decimal(38, 6), pemasaran Decimal(38, 6), keuangan Decimal(38, 6)),
            five_r Tuple(
                ringkas Nullable(Decimal(38, 6)), rapi Decimal(38, 6), resik Decimal(38, 6),
                rawat Decimal(38, 6), rajin Decimal(38, 6)),
            evidence Nullable(String))') AS document
    FROM events
    WHERE type = 'id.rantai.partner.assessed.v1'
);

CREATE TABLE IF NOT EXISTS coachings $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    coach String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    held_on Date32,
    topic LowCardinality(String),
    hours Nullable(Decimal(38, 6))
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, coach, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS coachings_of_events $on_cluster TO coachings AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.coach AS coach,
    time,
    source,
    id AS event_id,
    toDate32(document.held_on) AS held_on,
    document.topic AS topic,
    document.hours AS hours
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, coach String, held_on String,
            topic String, hours Nullable(Decimal(38, 6)))') AS document
    FROM events
    WHERE type = 'id.rantai.partner.coached.v1'
);

CREATE TABLE IF NOT EXISTS capacities $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    process String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    valid_from Date32,
    quantity_per_month Decimal(38, 6),
    uom LowCardinality(Nullable(String)),
    items Array(String)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, process, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS capacities_of_events $on_cluster TO capacities AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.process AS process,
    time,
    source,
    id AS event_id,
    toDate32(document.valid_from) AS valid_from,
    document.quantity_per_month AS quantity_per_month,
    document.uom AS uom,
    document.items AS items
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, process String, valid_from String,
            quantity_per_month Decimal(38, 6), uom Nullable(String), items Array(String))') AS document
    FROM events
    WHERE type = 'id.rantai.partner.capacity_declared.v1'
);

CREATE TABLE IF NOT EXISTS partnerships $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    kind LowCardinality(String),
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    valid_from Date32,
    valid_to Nullable(Date32),
    targets Array(Tuple(kpi String, target Decimal(38, 6)))
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, kind, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS partnerships_of_events $on_cluster TO partnerships AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    document.kind AS kind,
    time,
    source,
    id AS event_id,
    toDate32(document.valid_from) AS valid_from,
    toDate32OrNull(document.valid_to) AS valid_to,
    CAST(document.targets, 'Array(Tuple(kpi String, target Decimal(38, 6)))') AS targets
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, kind String, valid_from String, valid_to String,
            targets Map(String, Decimal(38, 6)))') AS document
    FROM events
    WHERE type = 'id.rantai.partnership.agreed.v1'
);

CREATE TABLE IF NOT EXISTS partnership_ends $on_cluster
(
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    event_id String,
    ended_on Date32,
    reason Nullable(String)
)
ENGINE = $replacing
ORDER BY (supplier_id, buyer_id, time, source, event_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS partnership_ends_of_events $on_cluster TO partnership_ends AS
SELECT
    document.supplier_id AS supplier_id,
    document.buyer_id AS buyer_id,
    time,
    source,
    id AS event_id,
    toDate32(document.ended_on) AS ended_on,
    document.reason AS reason
FROM
(
    SELECT
        time,
        source,
        id,
        JSONExtract(data, 'Tuple(
            supplier_id String, buyer_id String, ended_on String, reason Nullable(String))') AS document
    FROM events
    WHERE type = 'id.rantai.partnership.ended.v1'
);
