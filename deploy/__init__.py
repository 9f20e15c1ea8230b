"""What runs Rantai beside its own processes, and what generates parts of it."""
