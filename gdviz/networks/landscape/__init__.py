"""A slice through the loss of a network: a plane in the space of its weights, as a Surface."""

from gdviz.networks.landscape.change import gradient_change, output_change
from gdviz.networks.landscape.directions import path_of, principal_directions, project, random_directions, window
from gdviz.networks.landscape.slices import losses_at, outputs_at, plane
from gdviz.networks.landscape.small import tanh_loss

__all__ = [
    "gradient_change",
    "losses_at",
    "output_change",
    "outputs_at",
    "path_of",
    "plane",
    "principal_directions",
    "project",
    "random_directions",
    "tanh_loss",
    "window",
]
