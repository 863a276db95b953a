"""What the formulas predict: factors, limits, conventions and the ball in which noise keeps the descent."""

from gdviz.theory.loss_curves import RiverValley, bfloat16, edge, first_change, mean_of_means, swallowed
from gdviz.theory.noise import averaged, ball, covariance, example_gradients, gradient_covariance, lowest_valley
from gdviz.theory.rates import convert_lr, curvatures, effective_rate, heavy_ball_rate, regime
from gdviz.theory.since_adam import muon_value, numbers_kept, rectification

__all__ = [
    "RiverValley",
    "averaged",
    "ball",
    "bfloat16",
    "convert_lr",
    "covariance",
    "curvatures",
    "edge",
    "effective_rate",
    "example_gradients",
    "first_change",
    "gradient_covariance",
    "heavy_ball_rate",
    "lowest_valley",
    "mean_of_means",
    "muon_value",
    "numbers_kept",
    "rectification",
    "regime",
    "swallowed",
]
