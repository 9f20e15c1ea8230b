"""The exporter: what Prometheus scrapes."""
