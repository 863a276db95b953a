"""The words of a picture as they stand: a $ begins no mathematics, and each letter is in a font that has it."""

import logging
import textwrap
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.text import Text

log, _told = logging.getLogger("gdviz"), set()
LAST = "Last Resort High-Efficiency"  # of matplotlib 3.11: its boxes say of which script a letter is
FALLBACKS = (  # in this order, where they are installed; then whatever else is
    "DejaVu Sans",
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Heiti TC", "SimHei", "SimSun", "Droid Sans Fallback"),
    *("Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", "Meiryo", "MS Gothic", "IPAexGothic", "TakaoGothic"),
    *("Noto Sans CJK KR", "Apple SD Gothic Neo", "Malgun Gothic", "NanumGothic"),
    *("Noto Emoji", "Symbola", "Segoe UI Emoji", "Segoe UI Symbol", "Apple Symbols", "Segoe UI", "Nirmala UI"),
    *("Arial Unicode MS", "Unifont"),
)


def label(ax: Axes, **settings: Any) -> None:
    """ax.set(...), with title, xlabel, ylabel and zlabel as they stand, in several lines where a side is too short."""
    words = {name: settings.pop(name) for name in ("title", "xlabel", "ylabel", "zlabel") if name in settings}
    ax.set(**settings)
    for name, word in words.items():
        text = getattr(ax, f"set_{name}")(word)
        plain(text)
        with quiet():
            size = text.get_window_extent()
        length, side = (size.height, ax.bbox.height) if name == "ylabel" else (size.width, ax.bbox.width)
        if length > 1.15 * side:  # a layout will lengthen it by so much
            text.set_text(textwrap.fill(word, max(8, int(len(word) * side / length))))


def plain(text: Text, words: str | None = None) -> None:
    """Show the words of a text, or these, as they stand: no mathematics, and each letter in a font that has it."""
    text.set(parse_math=False, usetex=False)
    if words is not None:
        text.set_text(words)
    lettered(text)


def bold(figure: Figure, words: str, points: float, x: float = 0, y: float = 0, **style: Any) -> Text:
    """Bold words of this size in points, at a place of the figure in inches."""
    text = Text(x, y, words, fontsize=points, weight="bold", transform=figure.dpi_scale_trans, **style)
    text.set_figure(figure)
    plain(text)
    return text


def wide(figure: Figure, words: str, points: float) -> float:
    """How wide bold words of this size are, in points."""
    with quiet():
        return bold(figure, words, points).get_window_extent().width * 72 / figure.dpi


def lettered(text: Text) -> None:
    """Add to the fonts of a text those that have the letters its own lack; what no font has is told once."""
    families = text.get_fontfamily()
    letters = {letter for letter in text.get_text() if _needs_glyph(letter)}
    missing = sorted(letter for letter in letters if not any(_has(family, letter) for family in families))
    if not missing:
        return
    with quiet():
        found = {letter: next((font for font in _installed() if _has(font, letter)), None) for letter in missing}
    more = [font or LAST for font in found.values() if font or _has_last()]
    if more:
        text.set_fontfamily(list(dict.fromkeys([*families, *more])))
    _tell({letter for letter in missing if found[letter] is None})


@contextmanager
def legible(figure: Figure) -> Iterator[None]:
    """While the block draws: each letter of the figure in a font that has it; those that none has raise no warning."""
    for text in figure.findobj(Text):
        lettered(text)
    with quiet():
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """While the block draws: no words about fonts that lack a letter or a face."""
    fonts = logging.getLogger("matplotlib.font_manager")  # which tells of each font without the face asked for
    level = fonts.level
    fonts.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from")
            yield
    finally:
        fonts.setLevel(level)


def _needs_glyph(letter: str) -> bool:
    """All but ASCII, which every font has, blanks and what directs other letters (joiners, variation selectors)."""
    kind = unicodedata.category(letter)
    return not (letter.isascii() or kind in ("Cc", "Cf", "Zs", "Zl", "Zp") or "\ufe00" <= letter <= "\ufe0f")


def _has(family: str, letter: str) -> bool:
    return ord(letter) in _letters(findfont(FontProperties(family=[family])))  # matplotlib remembers what it found


@cache
def _letters(file: str) -> frozenset[int]:
    try:
        return frozenset(get_font(file).get_charmap())
    except RuntimeError:  # a face that matplotlib cannot read, such as one of coloured pictures
        return frozenset()


@cache
def _installed() -> tuple[str, ...]:
    names = {font.name for font in fontManager.ttflist if "Color" not in font.name}
    return (*(name for name in FALLBACKS if name in names), *sorted(names - {*FALLBACKS, LAST}))


def _has_last() -> bool:
    return any(font.name == LAST for font in fontManager.ttflist)


def _tell(letters: set[str]) -> None:
    """Once for each letter: as a line of the log and no warning, for the picture is drawn."""
    if new := letters - _told:
        _told.update(new)
        words = "No font here has %s, so pictures show boxes. Install one that does, such as Noto Sans CJK."
        log.warning(words, "".join(sorted(new)))
