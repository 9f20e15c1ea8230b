"""What a running service says of itself: structured log lines and metrics."""
