"""The JSON API of figures: scorecards, groups of suppliers, and data quality."""
