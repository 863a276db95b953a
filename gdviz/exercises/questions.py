"""The questions of the course, predictions.toml, and what a question of one's own must be. It needs Python alone."""

import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

LETTERS = "abcdefgh"
MOST = len(LETTERS)
OWN = re.compile(r"[^\W_][\w-]{0,39}-[1-9]\d{0,2}", re.ASCII)


class Prediction(NamedTuple):
    """about: the subject in a few words; right: the letter of `choices` many; why: one sentence.

    In the table, right is "" for a click; in a question of one's own, where there is no right letter.
    """

    about: str
    right: str
    choices: int
    why: str


TABLE = {
    notebook: [Prediction(**row) for row in rows]
    for notebook, rows in tomllib.loads((Path(__file__).parent / "predictions.toml").read_text()).items()
}


def row(name: str) -> Prediction | None:
    """The row of the table with this name, "01-3"; None where there is none."""
    notebook, _, number = name.rpartition("-")
    rows = TABLE.get(notebook, [])
    return rows[int(number) - 1] if re.fullmatch(r"[1-9]\d{0,2}", number) and int(number) <= len(rows) else None


def own(name: str, choices: Any, right: Any = "", why: str = "", about: str = "") -> Prediction:
    """A question of one's own, under a name that is not the course's; refused by a ValueError."""
    if not isinstance(name, str) or not OWN.fullmatch(name):
        raise ValueError(f'the name of a question of your own is a word and a number, such as "mine-1"; got {name!r}')
    if name.rpartition("-")[0] in TABLE:
        raise ValueError(f'name your own question otherwise than the course\'s, such as "mine-1"; got {name!r}')
    if isinstance(choices, bool) or not isinstance(choices, int) or not 2 <= choices <= MOST:
        raise ValueError(f"choices must be a whole number from 2 to {MOST}, got {choices!r}")
    letter, known = heard(right), LETTERS[:choices]
    if letter is not None and letter not in list(known):
        raise ValueError(f"right must be one of the letters {', '.join(known)}, got {right!r}")
    return Prediction(about, letter or "", choices, why)


def heard(letter: Any) -> Any:
    """The letter as it is meant: " (B) " is "b"; "?" and nothing are None; anything but text stays what it is."""
    word = letter.strip().lower().strip("()") if isinstance(letter, str) else letter
    return None if word is None or word is ... or (isinstance(word, str) and word in ("", "?")) else word
