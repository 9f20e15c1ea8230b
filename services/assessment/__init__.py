"""How suppliers stand: read from the store, computed by `services.readiness`."""
