-- What is in one refused record, as it came, and why was it refused?
SELECT
    id, sender, reason, errors, event_source, event_id, kafka_topic, kafka_partition, kafka_offset,
    accepted_at, rejected_at, value, encoding, replayed_at, version
FROM rejected FINAL
WHERE id = {id:String}
    AND (empty({senders:Array(String)}) OR sender IN {senders:Array(String)})
