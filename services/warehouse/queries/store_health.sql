-- How many events has the ledger by topic, and when was the newest of each accepted?
SELECT kafka_topic AS topic, count() AS events, max(accepted_at) AS newest
FROM events
GROUP BY topic
