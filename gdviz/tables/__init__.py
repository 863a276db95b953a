"""A CSV or columns of the learner's own, read exactly. What is refused is named with its place and the cure."""

from gdviz.tables.cells import column
from gdviz.tables.files import columns

__all__ = ["column", "columns"]
