-- How far does the ledger go: how many events, and when was the newest accepted?
SELECT count() AS events, max(accepted_at) AS accepted_until FROM events
