"""Ready-made players and pictures of notebook 09: the edge of stability, and what keeps a training from it."""

from gdviz.views.edge.clipping import clipping
from gdviz.views.edge.precision import accumulation, bfloat16
from gdviz.views.edge.schedules import schedules
from gdviz.views.edge.sharpness import sharpness
from gdviz.views.edge.widths import widths

__all__ = ["accumulation", "bfloat16", "clipping", "schedules", "sharpness", "widths"]
