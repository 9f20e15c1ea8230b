-- What was worked out for a supplier is kept until something about the supplier changes.
-- derived
-- Every fold adds a number of its own for each supplier and buyer that it concerns, after the facts
-- stand. What was worked out while the sum was the same was worked out from the same facts.
CREATE TABLE IF NOT EXISTS fold_marks $on_cluster
(
    rules UInt64,
    supplier_id LowCardinality(String),
    buyer_id LowCardinality(String),
    mark UInt64
)
ENGINE = $summing(mark)
PARTITION BY rules
ORDER BY (rules, supplier_id, buyer_id)
SETTINGS index_granularity = 1024;

-- How each supplier stands at a date under a policy: all buyers, the usual window.
CREATE TABLE IF NOT EXISTS standings $on_cluster
(
    policy UInt64 COMMENT 'digest of the whole policy',
    as_of Date32,
    supplier_id LowCardinality(String),
    mark UInt64 COMMENT 'sum of fold_marks before it was worked out; another one makes it stale',
    first_end Date32 COMMENT 'the first month end with anything to judge by',
    letters String COMMENT 'the grade of every month end from first_end to as_of; - = insufficient',
    scorecard String CODEC(ZSTD(1)) COMMENT 'the answer of the API, but when it was worked out',
    summary String CODEC(ZSTD(1)) COMMENT 'JSON: what the view of a group is made of',
    computed_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = $replacing(computed_at)
ORDER BY (policy, as_of, supplier_id)
TTL toDateTime(computed_at) + INTERVAL 60 DAY
SETTINGS index_granularity = 64;
