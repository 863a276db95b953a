"""Ready-made players of notebook 07: pictures to distrust, and what stands beside them."""

from gdviz.views.zoo.judged import along, lucky, suspects
from gdviz.views.zoo.shapes import edge, level_lines, ridge, shrinking, turned

__all__ = ["along", "edge", "level_lines", "lucky", "ridge", "shrinking", "suspects", "turned"]
