"""A figure as the bytes of a PNG, and shown with its sentence."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageColor

from gdviz.pictures.words import legible
from gdviz.style import PALETTE


def picture(figure: Figure, alt: str) -> None:
    """Show a finished figure in a notebook with its sentence, which a screen reader says and the tests compare.

    Args:
        figure: it is closed.
        alt: the sentence.

    Example:
        >>> picture(plt.figure(), "An empty figure.")
        {'image/png': ..., 'text/plain': 'An empty figure.'}
    """
    from IPython.display import display

    plt.close(figure)
    bundle = {"image/png": base64.b64encode(png(figure)).decode(), "text/plain": alt}
    display(bundle, raw=True, metadata={"image/png": {"alt": alt}})


def png(figure: Figure, dpi: float = 100, colors: int = 256) -> bytes:
    """The figure as the bytes of a PNG; with 256 colours a third of the size of a full one.

    The colours of the palette are always among them: a small mark keeps its own.

    Args:
        figure: to be drawn.
        dpi: dots for each inch.
        colors: how many there are.

    Returns:
        The bytes.

    Example:
        >>> png(plt.figure())[1:4]
        b'PNG'
    """
    with canvas(figure, dpi) as agg:
        agg.draw()
        return written(agg, colors)


def written(agg: FigureCanvasAgg, colors: int = 256) -> bytes:
    """What has been drawn on a canvas, as the bytes of a PNG, as by png.

    Args:
        agg: the canvas.
        colors: how many there are.

    Returns:
        The bytes.

    Example:
        >>> with canvas(plt.figure(), 50) as agg:
        ...     agg.draw()
        ...     written(agg)[1:4]
        b'PNG'
    """
    drawn, dpi = Image.fromarray(np.asarray(agg.buffer_rgba())), agg.figure.dpi
    image = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn).convert("RGB")  # on paper
    small = io.BytesIO()
    few = image.quantize(palette=palette(image, colors), dither=Image.Dither.NONE)
    few.save(small, "PNG", compress_level=8, dpi=(dpi, dpi))
    return small.getvalue()


@contextmanager
def canvas(figure: Figure, dpi: float) -> Iterator[FigureCanvasAgg]:
    """A canvas with dpi dots for each inch, while the block lasts: then the figure has its own again, and its dpi.

    Args:
        figure: to be drawn.
        dpi: dots for each inch.

    Yields:
        The canvas.

    Example:
        >>> with canvas(plt.figure(figsize=(2, 1)), 50) as agg:
        ...     agg.get_width_height()
        (100, 50)
    """
    own = figure.dpi, figure.canvas
    figure.set_dpi(dpi)
    try:
        with legible(figure):
            yield FigureCanvasAgg(figure)
    finally:
        figure.set_dpi(own[0])
        figure.set_canvas(own[1])


def palette(image: Image.Image, colors: int) -> Image.Image:
    """The palette of the course and the most common other colours of an RGB image, as the image that quantize takes."""
    ours = np.array([ImageColor.getrgb(color) for color in PALETTE])
    common = np.reshape(image.reduce(2).quantize(colors - len(ours)).getpalette() or [], (-1, 3))
    common = common[np.abs(common[:, None] - ours).max(-1).min(-1) > 8]
    kept = Image.new("P", (1, 1))
    kept.putpalette(np.concatenate([ours, common]).astype(np.uint8).tobytes())
    return kept
