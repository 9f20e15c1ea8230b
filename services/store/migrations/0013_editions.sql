-- Which edition of docs/figures.md a frozen evaluation was worked out by: those from before are of
-- the first, and stay as they were frozen.
-- durable
ALTER TABLE evaluations $on_cluster
    ADD COLUMN IF NOT EXISTS edition UInt8 DEFAULT 1 COMMENT 'of docs/figures.md';
