-- Which values differ after every event, fold, refusal and replay?
-- While they are the same, the findings as of the same day are the same.
SELECT
    (SELECT count() FROM events) AS events,
    (SELECT sum(mark) FROM fold_marks WHERE rules = {rules:UInt64}) AS folds,
    (SELECT (count(), max(version), max(rejected_at)) FROM rejected) AS refusals
