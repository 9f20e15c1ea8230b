"""What tests of several levels share: stores, evaluations, locks, public reports."""
