-- By which policy suppliers are judged: what a view needs of it, because nobody hands it over there.
-- durable
CREATE TABLE IF NOT EXISTS policies_in_force $on_cluster
(
    since DateTime64(6, 'UTC') DEFAULT now64(6),
    policy UInt64 COMMENT 'as standings names it',
    rules UInt64 COMMENT 'as the facts name them',
    version String,
    zone String COMMENT 'of the sites: in which a day begins',
    window_days Int32 COMMENT 'the usual window of a figure',
    capacity_days Int32 COMMENT 'how far the backlog looks ahead',
    tolerance_keys Array(String),
    early_days Array(Int32),
    late_days Array(Int32),
    under Array(Decimal(9, 6)),
    over Array(Decimal(9, 6))
)
ENGINE = $replacing
ORDER BY since;
