"""Ready-made players of notebook 02: what a learning rate does."""

from gdviz.views.rate.places import basins, curvature, restarts
from gdviz.views.rate.schedules import schedules
from gdviz.views.rate.sweeps import modes, sweep

__all__ = ["basins", "curvature", "modes", "restarts", "schedules", "sweep"]
