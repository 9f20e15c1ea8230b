"""Kafka: the topics, the producer, the broker that runs inside one process."""
