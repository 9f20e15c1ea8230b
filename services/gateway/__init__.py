"""The gateway: where events come in over HTTP."""
