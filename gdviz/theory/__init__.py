"""What the formulas predict: factors, limits, conventions and the ball in which noise keeps the descent."""

from gdviz.theory.noise import averaged, ball, covariance, example_gradients, gradient_covariance, lowest_valley
from gdviz.theory.rates import convert_lr, curvatures, effective_rate, heavy_ball_rate, regime
from gdviz.theory.since_adam import muon_value, numbers_kept, rectification

__all__ = [
    "averaged",
    "ball",
    "convert_lr",
    "covariance",
    "curvatures",
    "effective_rate",
    "example_gradients",
    "gradient_covariance",
    "heavy_ball_rate",
    "lowest_valley",
    "muon_value",
    "numbers_kept",
    "rectification",
    "regime",
]
