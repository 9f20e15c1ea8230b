"""Helpers for tests of several levels: stores, evaluations, blocked threads, public reports."""
