"""What every HTTP service shares: problems, who is asking, bounded bodies, places for readers."""
