"""Assessment: how suppliers stand, read from the store and computed by `readiness`."""
