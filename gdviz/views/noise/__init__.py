"""Ready-made players of notebook 03: what the noise of minibatches does to a descent."""

from gdviz.views.noise.clouds import clouds, dial, escape
from gdviz.views.noise.steps import gradients, price, wobble

__all__ = ["clouds", "dial", "escape", "gradients", "price", "wobble"]
