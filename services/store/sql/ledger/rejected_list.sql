-- Which records were refused, newest first, and when were they replayed or dismissed?
SELECT
    id, sender, reason, errors, event_source, event_id, kafka_topic, kafka_partition, kafka_offset,
    accepted_at, rejected_at, replayed_at, count() OVER () AS total
FROM rejected FINAL
WHERE (empty({senders:Array(String)}) OR sender IN {senders:Array(String)})
    AND ({replayed:Bool} OR isNull(replayed_at))
ORDER BY rejected_at DESC, id
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
