"""Predictions: what a learner expected before anything moved, and in the end what is worth another look.

They live in the notebook alone: a letter in its cell, a click in its kernel. The table predictions.toml has, for each
notebook, the predictions in their order.
"""

import math
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from gdviz.exercises.sandbox import shell
from gdviz.player import Player

LETTERS = "abcdefgh"


class Prediction(NamedTuple):
    """about: the matter in a few words; right: the letter of `choices` many, or "" for a click; why: one sentence."""

    about: str
    right: str
    choices: int
    why: str


class Guess(NamedTuple):
    """What a learner has predicted: a letter, or for a click its words; and whether it came out."""

    words: str
    right: bool


TABLE = {
    notebook: [Prediction(**row) for row in rows]
    for notebook, rows in tomllib.loads((Path(__file__).parent / "predictions.toml").read_text()).items()
}
_guesses: dict[str, Guess] = {}


def predict(name: str, letter: Any) -> None:
    """Note the letter that a learner has chosen; "?" is none yet.

    What is not one of the letters is answered by what they are, and nothing is raised.

    Args:
        name: "01-3", the third prediction of notebook 01.
        letter: the learner's.

    Raises:
        ValueError: a name that is not in the table, or one of a click.

    Example:
        >>> predict("00-1", "b")
        Prediction 1: (b).
    """
    row = _row(name)
    if not row.right:
        raise ValueError(f"prediction {name} is a click: predict_by_click")
    known = LETTERS[: row.choices]
    _guesses.pop(name, None)
    word = letter.strip().lower().strip("()") if isinstance(letter, str) else letter
    if word in ("?", "", ..., None):
        return
    if not isinstance(word, str) or word not in list(known):
        choices = " or ".join([", ".join(f'"{one}"' for one in known[:-1]), f'"{known[-1]}"'])
        print(f"Prediction {_number(name)}: choose {choices}, in quotation marks.")
        return
    _guesses[name] = Guess(f"({word})", word == row.right)
    print(f"Prediction {_number(name)}: ({word}).")


def predict_by_click(name: str, player: Player, place: Any, *, near: float, **on_guess: Any) -> Player:
    """The player, which now waits for a click: where will it be? The nearer to place, the better.

    Args:
        name: as for predict.
        player: to wait.
        place: (x, y), in data coordinates.
        near: up to this distance, in the units of the picture, the guess counts as right.
        on_guess: other options of Player.on_guess.

    Returns:
        The player.

    Raises:
        ValueError: a name that is one of a choice, or a distance that is not positive.

    Example:
        >>> figure, ax = plt.subplots()
        >>> player = Player(figure, {"step": range(3)})
        >>> _ = player.path(ax, [[0, 0], [1, 1], [2, 2]])
        >>> predict_by_click("02-7", player, (2, 2), near=0.5).opening
        'It waits for your guess.'
    """
    row = _row(name)
    if row.right:
        raise ValueError(f"prediction {name} is a choice of {row.choices} letters: predict")
    if not near > 0:
        raise ValueError(f"near must be a positive distance, got {near!r}")
    x, y = (float(value) for value in place)
    _guesses.pop(name, None)
    opening, player.opening = player.opening, "It waits for your guess."

    def guessed(at_x: float, at_y: float) -> str:
        distance = math.hypot(at_x - x, at_y - y)
        _guesses[name] = Guess(f"a click {distance:.2g} away from it", distance <= near)
        player.opening = opening
        return "Your guess is noted. Now move it."

    player.on_guess(guessed, **on_guess)
    return player


class Summary(NamedTuple):
    """What was predicted in a notebook, and what to look at again; shown as sentences."""

    right: list[int]
    again: dict[int, str]  # the number of a prediction that came out otherwise -> what to look at
    open: list[int]

    def __str__(self) -> str:
        many = len(self.right) + len(self.again)
        if not many:
            return f"○ No predictions yet: {len(self.open)} are waiting. A wrong one teaches more than none."
        lines = [f"You made {many} of {many + len(self.open)} predictions, and {len(self.right)} came out."]
        if self.again:
            lines += ["The others are where you have learned something. Worth another look:"]
            lines += [f"- {number}: {words}" for number, words in self.again.items()]
        if self.open:
            lines += [f"Not predicted: {', '.join(map(str, self.open))}."]
        return "\n".join(lines)

    __repr__ = __str__


def revisit(notebook: str) -> Summary:
    """The summary of the predictions of a notebook.

    Args:
        notebook: such as "01".

    Returns:
        What was predicted, and what to look at again; shown as sentences.

    Raises:
        ValueError: a notebook without predictions.

    Example:
        >>> len(revisit("01").open) > 0
        True
    """
    if notebook not in TABLE:
        raise ValueError(f"notebook is one of {', '.join(TABLE)}; got {notebook!r}")
    right, again, missing = [], {}, []
    for number, row in enumerate(TABLE[notebook], 1):
        guess = _guesses.get(f"{notebook}-{number}")
        if guess is None:
            missing.append(number)
        elif guess.right:
            right.append(number)
        else:
            came_out = f", it was ({row.right})" if row.right else ""
            again[number] = f"{row.about}. You said {guess.words}{came_out}. {row.why}"
    return Summary(right, again, missing)


def _row(name: str) -> Prediction:
    notebook, _, number = name.partition("-")
    rows = TABLE.get(notebook, [])
    if not (number.isdigit() and 1 <= int(number) <= len(rows)):
        raise ValueError(f'name must be a notebook and a number, such as "01-3", that is in the table; got {name!r}')
    return rows[int(number) - 1]


def _number(name: str) -> str:
    return name.partition("-")[2]


def _bare_letter(result: Any) -> None:
    """Say what is missing below a cell that stopped at a letter without its quotation marks."""
    asked = re.search(r'predict\(\s*"\d\d-(\d+)"\s*,\s*(\w+)\s*\)', result.info.raw_cell or "")
    if asked and isinstance(result.error_in_exec, NameError) and result.error_in_exec.name == asked[2]:
        print(f'Prediction {asked[1]}: put the letter in quotation marks, "{asked[2]}".')


if notebook := shell():
    notebook.events.register("post_run_cell", _bare_letter)
