"""Small classification problems that need no download."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from gdviz import data

PROBLEMS = ("digits", "wine", "iris", "cancer", "names")


@cache
def problem(name: str) -> tuple[Tensor, Tensor]:
    """All examples of a small problem, with their features as they come.

    Args:
        name: "digits", "wine", "iris" and "cancer" are of scikit-learn; "names" counts the letters of 2,000 names.

    Returns:
        Inputs (n, features), float32, and classes (n,).

    Raises:
        ValueError: another name.

    Example:
        >>> x, y = problem("wine")
        >>> tuple(x.shape), int(y.max())
        ((178, 13), 2)
    """
    if name not in PROBLEMS:
        raise ValueError(f"the problems are {', '.join(PROBLEMS)}; got {name!r}")
    if name == "names":
        return _letters()
    from sklearn import datasets  # a second of import

    load = {"cancer": "load_breast_cancer"}.get(name, f"load_{name}")
    raw: Any = getattr(datasets, load)()
    return torch.tensor(raw.data, dtype=torch.float32), torch.tensor(raw.target)


def _letters() -> tuple[Tensor, Tensor]:
    """How often each of the 40 commonest letters is in each name, and the number of its language."""
    words, languages = data.names()
    chosen = torch.randperm(len(words), generator=torch.Generator().manual_seed(0))[:2000].tolist()
    words = [words[i].lower() for i in chosen]
    together = "".join(words)
    letters = sorted(set(together), key=lambda letter: (-together.count(letter), letter))[:40]
    counts = [[word.count(letter) for letter in letters] for word in words]
    classes = sorted(data.LANGUAGES)
    return torch.tensor(counts).float(), torch.tensor([classes.index(languages[i]) for i in chosen])
