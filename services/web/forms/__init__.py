"""Forms for suppliers and buyers, the events they become, and the lists of sent events."""
