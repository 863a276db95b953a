"""Ready-made players of notebook 09: what a training run tells, and the same training without its fault."""

from gdviz.views.clinic.chart import chart
from gdviz.views.clinic.ward import ward

__all__ = ["chart", "ward"]
