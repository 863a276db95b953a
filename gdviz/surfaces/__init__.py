"""Losses of one or two parameters that can be drawn, with the window to draw them in."""

from gdviz.surfaces.classics import (
    beale,
    booth,
    himmelblau,
    monkey_saddle,
    plateau,
    rastrigin,
    ravine,
    rosenbrock,
    saddle,
    six_hump_camel,
    styblinski_tang,
    two_wells,
)
from gdviz.surfaces.parametric import bowl, double_well, linear_model, tone
from gdviz.surfaces.surface import Surface, Window

__all__ = ["Surface", "Window", "beale", "booth", "bowl", "double_well", "himmelblau", "linear_model"]
__all__ += ["monkey_saddle", "plateau", "rastrigin", "ravine", "rosenbrock", "saddle", "six_hump_camel"]
__all__ += ["styblinski_tang", "tone", "two_wells"]
