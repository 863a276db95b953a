"""Draw on an Axes and return the artists: never plt.show(), never rcParams.

Each function takes ax=None (the current Axes) and passes its other keywords to matplotlib.
"""

from gdviz.plots.runs import digits, ellipse, examples, final_loss, fitted_line, lines, loss_curve, path
from gdviz.plots.surfaces import basins, contours, cross, halo, profile, surface3d

__all__ = ["basins", "contours", "cross", "digits", "ellipse", "examples", "final_loss", "fitted_line", "halo", "lines"]
__all__ += ["loss_curve", "path", "profile", "surface3d"]
