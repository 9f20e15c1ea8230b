"""The exporter: reads store and broker in the background, and serves metrics to Prometheus."""
