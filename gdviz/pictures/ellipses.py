"""The curve inside which a share of a normal cloud lies."""

import math
from typing import Any

import numpy as np

from gdviz.pictures.arrays import as_array
from gdviz.pictures.limits import HIGHEST

ELLIPSE = 61  # points of the curve


def ellipses(centre: Any, covariance: Any, share: float = 0.95) -> np.ndarray:
    """(w - centre)^T C^-1 (w - centre) = -2 ln(1 - share), as 61 points: centre (..., 2), C (..., 2, 2) -> (..., 61, 2)

    The curve inside which this share of a normal cloud of two parameters lies: 0.95 is 2.45 standard deviations. Where
    C is 0 it is a point, where C is not finite NaN. Refused: a C with a negative variance, a share outside (0, 1).
    Reference: Bishop 2006, section 2.3.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must be between 0 and 1, got {share!r}")
    centre, covariance = (as_array("cloud", value) for value in (centre, covariance))
    if centre.shape[-1:] != (2,) or covariance.shape[-2:] != (2, 2):
        given = f"{centre.shape} and {covariance.shape}"
        raise ValueError(f"an ellipse is of two parameters: centre (..., 2) and covariance (..., 2, 2), got {given}")
    if not np.allclose(covariance, covariance.swapaxes(-2, -1), equal_nan=True):
        raise ValueError(f"covariance must be symmetric, got {covariance.tolist()}")
    known = (np.abs(covariance) <= HIGHEST).all((-2, -1), keepdims=True)
    variances, axes = np.linalg.eigh(np.where(known, covariance, 0))
    if (variances < -1e-9 * np.abs(variances).max(-1, keepdims=True)).any():
        raise ValueError(f"covariance must have no negative variance, got {float(variances.min()):.3g}")
    angle = np.linspace(0, 2 * np.pi, ELLIPSE)
    circle = math.sqrt(-2 * math.log(1 - share)) * np.stack([np.cos(angle), np.sin(angle)])  # (2, 61)
    around = axes * np.sqrt(variances.clip(0))[..., None, :] @ circle
    return centre[..., None, :] + np.where(known, around, np.nan).swapaxes(-2, -1)
