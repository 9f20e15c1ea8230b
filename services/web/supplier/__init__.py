"""A supplier's pages: how it stands, what is behind each figure, lines, deliveries."""
