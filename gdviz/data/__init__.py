"""Data sets that need no download: real, made, or the learner's own."""

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gdviz.data.examples import Data, Rescaled
from gdviz.hyperparameters import as_tensor, check_rows, whole
from gdviz.tables import columns, files

__all__ = ["DIABETES", "LANGUAGES", "Data", "Rescaled", "diabetes", "digits", "names", "own"]
__all__ += ["toy_line", "toy_moons", "toy_tone"]

DIABETES = {  # scikit-learn's names of the ten features -> what is on the axis, in raw units
    "age": "age (years)",
    "sex": "sex (coded 1 and 2)",
    "bmi": "body-mass index (kg/m²)",
    "bp": "mean blood pressure (mmHg)",
    "s1": "total cholesterol (mg/dl)",
    "s2": "LDL cholesterol (mg/dl)",
    "s3": "HDL cholesterol (mg/dl)",
    "s4": "total / HDL cholesterol",
    "s5": "log of triglycerides",
    "s6": "blood sugar (mg/dl)",
}
LANGUAGES = {
    "cs": "Czech", "de": "German", "en": "English", "es": "Spanish", "fi": "Finnish", "fr": "French",
    "hu": "Hungarian", "it": "Italian", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "tr": "Turkish",
}  # fmt: skip


def diabetes(feature: str = "bmi") -> Data:
    """442 patients: one feature in raw units, and the progression of diabetes one year later (25 to 346).

    scikit-learn's table, kept beside this file: importing scikit-learn for it would take a second and 100 MB.

    Args:
        feature: one of age, sex, bmi, bp, s1 to s6.

    Returns:
        The data.

    Raises:
        ValueError: an unknown feature.

    Example:
        >>> patients = diabetes()
        >>> len(patients), patients.x_label
        (442, 'body-mass index (kg/m²)')

    Reference: Efron, Hastie, Johnstone & Tibshirani 2004, "Least angle regression".
    """
    if feature not in DIABETES:
        raise ValueError(f"unknown feature {feature!r}; known are {', '.join(DIABETES)}")
    x, y = columns(Path(__file__).parent / "diabetes.csv", feature, "progression")
    return Data(as_tensor(x), as_tensor(y), DIABETES[feature], "disease progression after one year")


def toy_line(n: int = 30, *, w: float = 2.0, b: float = 1.0, noise: float = 0.5, seed: int = 0) -> Data:
    """y_i = w x_i + b + noise * e_i with x uniform in [-2, 2] and e standard normal, the same for the same seed.

    Args:
        n: how many examples, 2 or more.
        w: the slope.
        b: the intercept.
        noise: the standard deviation around the line.
        seed: of the random numbers.

    Returns:
        The data.

    Example:
        >>> exact = toy_line(5, w=2.0, b=1.0, noise=0.0)
        >>> bool(torch.allclose(exact.y, 2 * exact.x + 1))
        True
    """
    n = whole("n", n, 2)
    generator = torch.Generator().manual_seed(seed)
    x = 4 * torch.rand(n, generator=generator, dtype=torch.float64) - 2
    return Data(x, w * x + b + noise * torch.randn(n, generator=generator, dtype=torch.float64))


def toy_tone(n: int = 200, *, frequency: float = 2.0, noise: float = 0.2, seed: int = 1) -> Data:
    """y_i = sin(frequency x_i) + noise * e_i with times x uniform in [-5, 5] and e standard normal.

    Args:
        n: how many examples, 2 or more.
        frequency: of the tone.
        noise: the standard deviation around it.
        seed: of the random numbers.

    Returns:
        The data.

    Example:
        >>> len(toy_tone())
        200
    """
    line = toy_line(n, w=0, b=0, noise=noise, seed=seed)
    x = 2.5 * line.x
    return Data(x, torch.sin(frequency * x) + line.y, "time", "height of the wave")


def toy_moons(n: int = 200, *, noise: float = 0.15, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two interlocking half moons, made by scikit-learn.

    Args:
        n: how many examples, 4 or more.
        noise: the standard deviation of what is added to each point; a moon has radius 1.
        seed: of the random numbers.

    Returns:
        Inputs (n, 2), standardised, and targets (n,), 0 or 1 for each moon.

    Example:
        >>> inputs, targets = toy_moons()
        >>> tuple(inputs.shape), targets.unique().tolist()
        ((200, 2), [0, 1])
    """
    from sklearn.datasets import make_moons

    made: Any = make_moons(whole("n", n, 4), noise=noise, random_state=seed)
    x, y = made
    return torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)


def digits(*, held_out: int = 360, seed: int = 0) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """1,797 handwritten digits, shuffled by the seed. They come with scikit-learn, so nothing is downloaded.

    Args:
        held_out: how many are kept apart.
        seed: of the shuffling.

    Returns:
        (inputs, targets) to train on, and (inputs, targets) of the others: inputs (n, 64), float32, the grey of 8 x 8
        pixels, 0 to 1; targets (n,), the digits 0 to 9.

    Example:
        >>> (x, y), (x_held_out, y_held_out) = digits()
        >>> tuple(x.shape), len(y_held_out)
        ((1437, 64), 360)

    Reference: Alpaydin & Kaynak 1998, UCI repository.
    """
    from sklearn.datasets import load_digits  # a second of import, needed here only

    raw: Any = load_digits()
    held_out = whole("held_out", held_out, 1, len(raw.target) - 1)
    order = torch.randperm(len(raw.target), generator=torch.Generator().manual_seed(seed))
    inputs = torch.tensor(raw.data / 16, dtype=torch.float32)[order]
    targets = torch.tensor(raw.target, dtype=torch.int64)[order]
    return (inputs[:-held_out], targets[:-held_out]), (inputs[-held_out:], targets[-held_out:])


def names(path: str | Path | None = None) -> tuple[list[str], list[str]]:
    """9,948 names of countries, languages, scripts, currencies and cities, and the language of each.

    Each name belongs to exactly one of the twelve LANGUAGES, whatever the case of its letters. They come sorted by
    language: shuffle before you hold some out. From the CLDR data of Babel 2.18 (Unicode licence, beside the file),
    made by notebooks/tools/from_cldr.py.

    Args:
        path: another such file.

    Returns:
        Two lists: the names, and the codes of their languages.

    Raises:
        ValueError: a file of another form, or one that is cut short.

    Example:
        >>> words, languages = names()
        >>> len(words), len(set(languages))
        (9948, 12)
    """
    path, text = files.text(path or Path(__file__).parent / "names" / "names.csv")
    text = text[: max(map(text.rfind, "\r\n")) + 1]  # a last line without an end was cut
    head = re.match(r"[^\r\n]*,(\d+)[\r\n]", text)
    if not head:
        raise ValueError(f"{path} is not a file of names: its first row would say what it is and how many follow")
    _, *rows = files.rows(path, text, ",")
    spoilt = [line for line, row in rows if len(row) != 2]
    if len(rows) != int(head[1]) or spoilt:
        many = f"it should hold {head[1]} names and holds {len(rows) - len(spoilt)} whole ones"
        where = f", line {spoilt[0]} is not one" if spoilt else ""
        raise ValueError(f"{path} is cut short or damaged: {many}{where}; restore it, or install gdviz again")
    return [name for _, (_, name) in rows], [language for _, (language, _) in rows]


def own(x: Any, y: Any, *, csv: str | Path | None = None) -> Data:
    """Your own data, from lists, arrays, tensors or pandas columns, or from two columns of a CSV.

    Args:
        x: the feature; with csv, the name of its column.
        y: the target; with csv, the name of its column.
        csv: a file with the names in its first row; commas, semicolons and tabs separate.

    Returns:
        The data.

    Raises:
        ValueError: rows with different labels; what Data refuses, and whatever tables.columns refuses, with its line.

    Example:
        >>> own([31, 45, 52], [480, 610, 700]).y.tolist()
        [480.0, 610.0, 700.0]
    """
    if csv is not None:
        xs, ys = columns(csv, x, y)
        return Data(as_tensor(xs), as_tensor(ys), files.plain(x), files.plain(y))
    check_rows(x, y)
    return Data(x, y, _label(x, "x"), _label(y, "y"))


def _label(column: Any, default: str) -> str:
    """The name of a pandas column, or of the only column of a frame."""
    frame = getattr(column, "ndim", 1) == 2
    name = next(iter(getattr(column, "columns", ())), None) if frame else getattr(column, "name", None)
    return name if isinstance(name, str) and name else default
