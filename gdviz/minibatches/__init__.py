"""Minibatches: which examples a step sees, and the loss of them for `minimize`."""

from gdviz.minibatches.batches import Minibatches
from gdviz.minibatches.losses import NoisyLoss, SampledLoss, noisy_loss, sampled_loss

__all__ = ["Minibatches", "NoisyLoss", "SampledLoss", "noisy_loss", "sampled_loss"]
