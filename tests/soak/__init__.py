"""The soak test: runs Rantai under load, change and faults, and checks that nothing is lost."""
