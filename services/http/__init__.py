"""What every HTTP service shares: problem documents, authentication, bounds on bodies and reads."""
