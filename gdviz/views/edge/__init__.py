"""Ready-made players and pictures of notebook 09: the edge of stability, and what keeps a training from it."""

from gdviz.views.edge.sharpness import sharpness

__all__ = ["sharpness"]
