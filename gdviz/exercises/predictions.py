"""Predictions: what a learner expected before anything moved, and in the end what is worth another look.

They live in the notebook alone: a letter in its cell, a click in its kernel. The table predictions.toml has, for each
notebook, the predictions in their order; a question of one's own says in its cell what it is.
"""

import math
import re
from typing import Any, NamedTuple

from gdviz.exercises.questions import LETTERS, TABLE, Prediction, heard, own, row
from gdviz.exercises.room import tell
from gdviz.exercises.sandbox import shell
from gdviz.player import Player

__all__ = ["LETTERS", "TABLE", "Prediction", "Summary", "predict", "predict_by_click", "revisit"]


class Guess(NamedTuple):
    """What a learner has predicted: a letter, or for a click its words; and whether it came out, if that is known."""

    words: str
    right: bool | None


_guesses: dict[str, Guess] = {}
_own: dict[str, Prediction] = {}


def predict(
    name: str, letter: Any = "?", *, choices: int | None = None, right: str = "", why: str = "", about: str = ""
) -> None:
    """Note the letter that a learner has chosen; "?" is none yet.

    Anything but one of the letters is answered by naming them, and nothing is raised. With choices it is a question of
    your own, with a name such as "mine-1", which revisit("mine") includes.

    Args:
        name: "01-3", the third prediction of notebook 01; or a word of your own and a number.
        letter: the learner's.
        choices: of a question of your own, how many letters there are, 2 to 8.
        right: its right letter; left out, the letters are only counted.
        why: the sentence for those who predicted another one.
        about: its subject, in a few words.

    Raises:
        ValueError: a name that is not in the table, or one of a click; a question of your own under a name of the
            course's, with other than 2 to 8 choices, or with a right letter that is not among them.

    Example:
        >>> predict("00-1", "b")
        Prediction 1: (b).
        >>> predict("mine-1", "a", choices=3, right="b")
        Prediction 1: (a).
    """
    asked = _asked(name, choices, right, why, about)
    known = LETTERS[: asked.choices]
    _guesses.pop(name, None)
    word = heard(letter)
    if word is None:
        return
    if not isinstance(word, str) or word not in list(known):
        letters = " or ".join([", ".join(f'"{one}"' for one in known[:-1]), f'"{known[-1]}"'])
        print(f"Prediction {_number(name)}: choose {letters}, in quotation marks.")
        return
    _guesses[name] = Guess(f"({word})", word == asked.right if asked.right else None)
    print(f"Prediction {_number(name)}: ({word}).")
    tell("letter", name=name, letter=word, choices=asked.choices)


def predict_by_click(name: str, player: Player, place: Any, *, near: float, **on_guess: Any) -> Player:
    """The player, which now waits for a click: where will it be? At its last step it marks a hit or a miss.

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
    asked = _row(name)
    if asked.right:
        raise ValueError(f"prediction {name} is a choice of {asked.choices} letters: predict")
    opening = player.opening

    def guessed(at_x: float, at_y: float) -> str:
        x, y, within = player.truth
        distance = math.hypot(at_x - x, at_y - y)
        _guesses[name] = Guess(f"a click {distance:.2g} away from it", distance <= within)
        player.opening = opening
        return "Your guess is noted. Now move it."

    player.on_guess(guessed, place=place, near=near, **on_guess)
    _guesses.pop(name, None)
    player.opening = "It waits for your guess."
    return player


class Summary(NamedTuple):
    """What was predicted in a notebook, and what to look at again; shown as sentences."""

    right: list[int]
    again: dict[int, str]  # the number of a prediction that came out otherwise -> what to look at
    open: list[int]
    counted: tuple[int, ...] = ()  # those without a right letter

    def __str__(self) -> str:
        many = len(self.right) + len(self.again) + len(self.counted)
        if not many:
            waiting = f"{len(self.open)} {'is' if len(self.open) == 1 else 'are'} waiting"
            return f"○ No predictions yet: {waiting}. A wrong one teaches more than none."
        lines = [f"You made {many} of {many + len(self.open)} predictions, and {len(self.right)} came true."]
        if self.counted:
            lines += [f"Without a right letter: {', '.join(map(str, self.counted))}."]
        if self.again:
            lines += ["The others are where you have learned something. Worth another look:"]
            lines += [f"- {number}: {words}" for number, words in self.again.items()]
        if self.open:
            lines += [f"Not predicted: {', '.join(map(str, self.open))}."]
        return "\n".join(lines)

    __repr__ = __str__


def revisit(notebook: str) -> Summary:
    """The summary of the predictions of a notebook, or of questions of your own.

    Args:
        notebook: such as "01"; "mine" for the questions "mine-1", "mine-2" and so on.

    Returns:
        What was predicted, and what to look at again; shown as sentences.

    Raises:
        ValueError: a notebook without predictions, or a name under which nothing was asked.

    Example:
        >>> len(revisit("01").open) > 0
        True
    """
    rows = _rows(notebook)
    if not rows:
        mine = ", or the word of your own questions when their cells have run"
        raise ValueError(f"notebook is one of {', '.join(TABLE)}{mine}; got {notebook!r}")
    right, again, missing, counted = [], {}, [], []
    for number, asked in rows.items():
        guess = _guesses.get(f"{notebook}-{number}")
        if guess is None:
            missing.append(number)
        elif guess.right is None:
            counted.append(number)
        elif guess.right:
            right.append(number)
        else:
            came_out = f", it was ({asked.right})" if asked.right else ""
            end = "" if asked.about.endswith(("?", ".", "!")) else "."
            parts = [asked.about and asked.about + end, f"You said {guess.words}{came_out}.", asked.why]
            again[number] = " ".join(filter(None, parts))
    return Summary(right, again, missing, tuple(counted))


def _rows(notebook: str) -> dict[int, Prediction]:
    """Number -> the prediction: of a notebook, or of those of one's own that were asked under this word."""
    if notebook in TABLE:
        return dict(enumerate(TABLE[notebook], 1))
    mine = {name.rpartition("-")[2]: asked for name, asked in _own.items() if name.rpartition("-")[0] == notebook}
    return {int(number): mine[number] for number in sorted(mine, key=int)}


def _asked(name: str, choices: int | None, right: str, why: str, about: str) -> Prediction:
    """The prediction of this name: a row of the table, or one's own, which is noted."""
    if choices is None and not (right or why or about):
        found = _own.get(name) or _row(name)
        if not found.right and name not in _own:
            raise ValueError(f"prediction {name} is a click: predict_by_click")
        return found
    listed = row(name) if isinstance(name, str) else None
    if listed is None:
        _own[name] = found = own(name, choices, right, why, about)
        return found
    if (choices, right, why, about) != (listed.choices, "", "", ""):
        said = f"prediction {name} is the course's, with {listed.choices} choices, and is given by its name alone"
        raise ValueError(f'{said}: name your own question otherwise, such as "mine-1"')
    return listed


def _row(name: str) -> Prediction:
    found = row(name)
    if found is None:
        said = 'name must be a notebook and a number, such as "01-3", that is in the table'
        raise ValueError(f"{said}, or with choices=3 a question of your own; got {name!r}")
    return found


def _number(name: str) -> str:
    return name.rpartition("-")[2]


def _bare_letter(result: Any) -> None:
    """Say what is missing below a cell that stopped at a letter without its quotation marks."""
    asked = re.search(r'predict\(\s*"[\w-]+-(\d+)"\s*,\s*(\w+)\s*[,)]', result.info.raw_cell or "")
    if asked and isinstance(result.error_in_exec, NameError) and result.error_in_exec.name == asked[2]:
        print(f'Prediction {asked[1]}: put the letter in quotation marks, "{asked[2]}".')


if notebook := shell():
    notebook.events.register("post_run_cell", _bare_letter)
