-- When was the newest event of each sender accepted?
SELECT sender, max(newest) AS newest
FROM senders
GROUP BY sender
