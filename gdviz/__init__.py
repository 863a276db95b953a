"""Gradient descent you can drag.

`optimizers`, `surfaces`, `data` and `descent` compute; they load neither matplotlib nor a widget. `plots` draws what
they computed and `player` lets the browser move it: import those two by name.
"""

from gdviz import data, descent, optimizers, surfaces

__all__ = ["data", "descent", "optimizers", "surfaces"]
__version__ = "0.1.0"
