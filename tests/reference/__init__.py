"""A second, plain implementation of the figures, against which the services are checked."""
