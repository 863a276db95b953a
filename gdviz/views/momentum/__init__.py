"""Ready-made players of notebook 04: what momentum and Adam add to a step."""

from gdviz.views.momentum.adaptive import ladder, race, step_sizes, xray
from gdviz.views.momentum.ball import look_ahead, rate_map

__all__ = ["ladder", "look_ahead", "race", "rate_map", "step_sizes", "xray"]
