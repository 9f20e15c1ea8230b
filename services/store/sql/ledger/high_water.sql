-- How many events does the ledger hold, and when was the newest accepted?
SELECT count() AS events, max(accepted_at) AS accepted_until FROM events
