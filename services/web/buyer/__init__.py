"""A buyer's pages: its suppliers, what is awaited of them, items, complaints and disputes."""
