"""What a 3-D Axes is for the browser, which looks at it from any side: static/turn.mjs."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from mpl_toolkits.mplot3d import Axes3D

from gdviz.player.geometry import PX, figure_of


def usual_view(ax: Axes3D) -> bool:
    """Whether a 3-D Axes is seen in the perspective that static/turn.mjs knows.

    Args:
        ax: the Axes.

    Returns:
        False where it is rolled, orthographic, or has another focal length.
    """
    matrix, (e, a) = ax.get_proj(), np.radians([ax.elev, ax.azim])
    scale = np.sqrt((matrix[[0, 1, 3], :3] ** 2).sum(0))
    rows = [[-np.sin(a), np.cos(a), 0], [-np.cos(e) * np.cos(a), -np.cos(e) * np.sin(a), -np.sin(e)]]
    return bool(np.allclose(matrix[[0, 3], :3], rows * scale, rtol=1e-6, atol=1e-6 * scale.max()))


def space(ax: Axes) -> dict[str, Any] | None:
    """What the browser must know of a 3-D Axes to look at it from another side: the projection, ticks and names.

    Args:
        ax: an Axes whose figure has been drawn once.

    Returns:
        None where it is not 3-D.
    """
    if not isinstance(ax, Axes3D):
        return None
    matrix, ends = ax.get_proj(), np.array([ax.get_xlim(), ax.get_ylim(), ax.get_zlim()], dtype=float)
    # its rows for right, up and depth are at right angles, each column as long as the scale of its axis
    scale = np.sqrt((matrix[[0, 1, 3], :3] ** 2).sum(0))
    (x0, y0), (x1, y1) = ax.transData.transform([(0, 0), (1, 1)]) * (PX / figure_of(ax).dpi)
    axes = [ax.xaxis, ax.yaxis, ax.zaxis]
    return {
        "low": ends[:, 0].tolist(),
        "high": ends[:, 1].tolist(),
        "aspect": (scale * np.ptp(ends, axis=1)).tolist(),
        "distance": float(matrix[3] @ [*ends.mean(1), 1]),
        "view": [float(ax.elev), float(ax.azim)],
        "origin": [float(x0), float(figure_of(ax).get_figheight() * PX - y0)],
        "unit": [float(x1 - x0), float(y0 - y1)],
        "ticks": [_ticks(axis, *pair) for axis, pair in zip(axes, ends)],
        "names": [_named(axis) for axis in axes],
        "grid": to_hex(plt.rcParams["grid.color"]),
        "small": _px(axes[0].get_ticklabels()[0].get_fontsize()) if axes[0].get_ticklabels() else 14,
        "large": _px(axes[0].label.get_fontsize()),
    }


def _named(axis: Any) -> str:
    """The name of an axis, with the factor that its ticks leave out."""
    name, factor = axis.label.get_text(), axis.get_offset_text().get_text()
    return f"{name} ({factor})" if factor else name


def _ticks(axis: Any, low: float, high: float) -> list[list[Any]]:
    slack = 1e-9 * (high - low)
    words = [text.get_text() for text in axis.get_ticklabels()]
    return [[float(at), word] for at, word in zip(axis.get_ticklocs(), words) if low - slack <= at <= high + slack]


def _px(points: float) -> float:
    return points * PX / 72
