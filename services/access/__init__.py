"""Who may come in: API keys with a role and a partner, and signed links to a scorecard."""
