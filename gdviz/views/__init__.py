"""Ready-made players of the course, by subject: one call for a picture that comes back."""

from gdviz.views import clinic, edge, momentum, names, noise, rate, since_adam, training, zoo
from gdviz.views.line import line_fit
from gdviz.views.paths import descents, over_surface, valley

__all__ = [
    "clinic",
    "descents",
    "edge",
    "line_fit",
    "momentum",
    "names",
    "noise",
    "over_surface",
    "rate",
    "since_adam",
    "training",
    "valley",
]
__all__ += ["zoo"]
