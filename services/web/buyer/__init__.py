"""A buyer's pages: its suppliers, awaited order lines, open complaints, items, data quality."""
