"""Scorecards: figures of suppliers as JSON, and as a page on a phone."""
