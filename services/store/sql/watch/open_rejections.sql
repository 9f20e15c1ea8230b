-- How many refused records, by reason, were neither replayed nor dismissed?
SELECT reason, count() AS records
FROM rejected FINAL
WHERE isNull(replayed_at)
GROUP BY reason
