"""Ready-made players of notebook 05: networks while they are trained."""

from gdviz.views.training.curves import LINE, panels
from gdviz.views.training.networks import decision, in_slice

__all__ = ["LINE", "decision", "in_slice", "panels"]
