"""Ready-made players of notebook 05: networks while they are trained."""

from gdviz.views.training.curves import panels
from gdviz.views.training.networks import decision, in_slice

__all__ = ["decision", "in_slice", "panels"]
