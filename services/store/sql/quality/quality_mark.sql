-- What is another after every event, fold, refusal and repair?
SELECT
    (SELECT count() FROM events) AS events,
    (SELECT sum(mark) FROM fold_marks WHERE rules = {rules:UInt64}) AS folds,
    (SELECT (count(), max(version), max(rejected_at)) FROM rejected) AS refusals
