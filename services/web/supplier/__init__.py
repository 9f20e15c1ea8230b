"""A supplier's pages: its standing, the parts of each figure, order lines and deliveries."""
