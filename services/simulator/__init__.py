"""A living simulation: three buyers, forty IKM in four clusters, a year and what follows it.

Pure generation, the same from the same seed; sending it is the command line's part.
"""

from services.simulator.programme import participants
from services.simulator.steps import SimulatedEvent
from services.simulator.world import history, live

__all__ = ["SimulatedEvent", "history", "live", "participants"]
