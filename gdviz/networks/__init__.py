"""Networks: training as a trajectory, rules as optimizers of torch, slices through a loss of many parameters."""

from gdviz.networks import landscape
from gdviz.networks.torch_optimizer import TorchOptimizer
from gdviz.networks.training import EarlyStopping, History, evaluate, fit, stacked

__all__ = ["EarlyStopping", "History", "TorchOptimizer", "evaluate", "fit", "landscape", "stacked"]
