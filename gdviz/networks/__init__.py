"""Networks: training as a trajectory, rules as optimizers of torch, slices through a loss of many parameters."""

from gdviz.networks import landscape
from gdviz.networks.history import Epoch, History, Step, stacked
from gdviz.networks.reproducible import reproducible
from gdviz.networks.torch_optimizer import TorchOptimizer
from gdviz.networks.training import evaluate, fit

__all__ = ["Epoch", "History", "Step", "TorchOptimizer", "evaluate", "fit", "landscape", "reproducible", "stacked"]
