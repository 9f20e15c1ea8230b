-- Findings of data quality as they came and went: what is put right is no finding any more, and
-- what was wrong can't be worked out from the events that put it right.
-- durable
CREATE TABLE IF NOT EXISTS kept_findings $on_cluster
(
    kind LowCardinality(String),
    supplier_id LowCardinality(String) COMMENT 'empty where a finding is about none; so are the other names',
    buyer_id LowCardinality(String),
    document LowCardinality(String),
    number String,
    order_no String,
    line_no String,
    since Date32,
    facts Map(String, String) COMMENT 'as they were when it was noted',
    events Array(Tuple(String, String)),
    gone_on Nullable(Date32) COMMENT 'the day of the site on which it was not found any more',
    version UInt64 COMMENT 'microseconds since 1970; the newest stands'
)
ENGINE = $replacing(version)
ORDER BY (kind, supplier_id, buyer_id, document, number, order_no, line_no);
