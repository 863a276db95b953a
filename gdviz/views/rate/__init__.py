"""Ready-made players of notebook 02: what a learning rate does."""

from gdviz.views.rate.schedules import restarts, schedules
from gdviz.views.rate.sweeps import modes, ravines, sweep

__all__ = ["modes", "ravines", "restarts", "schedules", "sweep"]
