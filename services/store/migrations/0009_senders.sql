-- When each sender was last heard of: the ledger is too large to be asked that every few seconds.
-- derived
CREATE TABLE IF NOT EXISTS senders $on_cluster
(
    sender LowCardinality(String),
    newest DateTime64(3, 'UTC') COMMENT 'when the broker took its newest event; the highest stands'
)
ENGINE = $replacing(newest)
ORDER BY sender;

CREATE MATERIALIZED VIEW IF NOT EXISTS senders_of_events $on_cluster TO senders AS
SELECT sender, max(accepted_at) AS newest
FROM events
GROUP BY sender;
