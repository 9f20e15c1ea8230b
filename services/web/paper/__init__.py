"""Papers: scorecards and frozen evaluations as PDF, which their holders can verify online."""
