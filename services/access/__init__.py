"""Authentication: API keys with a role and a partner, signed links to pages, and sessions."""
