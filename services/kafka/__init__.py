"""Kafka: topics, producer, reading, lag, when an event is safe, and the embedded broker."""
