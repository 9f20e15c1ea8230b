"""The programme's pages: clusters, their suppliers, effects of coaching, data quality."""
