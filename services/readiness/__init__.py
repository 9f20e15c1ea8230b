"""The policy and the arithmetic of figures. Pure: no store, no clock, no network."""
