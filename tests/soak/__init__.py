"""A soak: Rantai run as its users run it, with everything coming and going, and held to account."""
