"""The gateway: receives events over HTTP."""
