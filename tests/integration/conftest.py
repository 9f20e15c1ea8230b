"""Integration tests share no fixtures of their own; those of a store are in tests/conftest.py."""
