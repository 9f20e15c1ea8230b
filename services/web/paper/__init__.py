"""Papers: a scorecard, or an evaluation as it was frozen, as PDF that is verified online."""
