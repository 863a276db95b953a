"""The notebooks of the course, and those of one's own in notebooks/own/, which everything takes as they are."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

FOLDER = Path(__file__).parents[1]
OWN = "own"
PAGES = {"index", "own", "gallery", "reference"}  # of the site
Thing = TypeVar("Thing")


def notebooks(folder: Path = FOLDER) -> list[Path]:
    """All of them: the course's, then one's own; refused where one's own has a name that is taken."""
    course, own = sorted(folder.glob("*.ipynb")), sorted((folder / OWN).glob("*.ipynb"))
    taken = {path.stem for path in course} | PAGES
    if doubled := [path for path in own if path.stem in taken]:
        raise ValueError(f"own/{doubled[0].name}: another page has this name already; rename your notebook")
    return [*course, *own]


def is_own(path: Path) -> bool:
    return path.parent.name == OWN


def named(names: Iterable[str], things: Mapping[str, Thing]) -> list[Thing]:
    """The things of these names, or of names that begin so, or all where none is named; refused where there is none."""
    chosen: list[Thing] = []
    for name in names:
        stem = Path(name).name.removesuffix(".ipynb").removesuffix(".html")
        found = [things[stem]] if stem in things else [things[key] for key in things if key.startswith(f"{stem}_")]
        if not found:
            raise ValueError(f"there is no {name!r}; there are {', '.join(things)}")
        chosen += found
    return chosen or list(things.values())
