"""A simulation of three buyers and forty IKM in four clusters: a year, and live events after it.

It only generates events, the same ones from the same seed; the command line sends them.
"""

from services.simulator.programme import participants
from services.simulator.steps import SimulatedEvent
from services.simulator.world import history, live

__all__ = ["SimulatedEvent", "history", "live", "participants"]
