"""Count the letters and the named mistakes in a folder of notebooks: a table, and counts.html. `make counts`."""

import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment
from read_answers import Answers, Submissions, choices_of, submissions

from gdviz.exercises.questions import row

PAGE = Path(__file__).parent / "counts.html.j2"
BAR = 30  # characters of a bar in the terminal
SHORT = 40  # characters of what is shown of a strange answer


class Question(NamedTuple):
    """How often each letter was chosen; other: what stands in the place of a letter, and how often; open: no letter."""

    name: str
    about: str
    right: str
    letters: dict[str, int]
    other: dict[str, int]
    open: int

    @property
    def all(self) -> int:
        """How many learners have answered."""
        return sum(self.letters.values()) + sum(self.other.values())


def main(arguments: list[str]) -> None:
    if len(arguments) != 1 or not arguments[0]:
        sys.exit("name the folder of the notebooks: make counts FOLDER=path")
    folder = Path(arguments[0]).expanduser()
    if not folder.is_dir():
        sys.exit(f"there is no folder {plain(str(folder))}")
    found = submissions(folder)
    if not found.answers:
        sys.exit("\n".join([f"no notebook in {plain(str(folder))} could be counted", *left_out(found, folder)]))
    asked = questions(list(found.answers.values()))
    named = mistakes(list(found.answers.values()))
    print(table(asked, named, len(found.answers)))
    print("\n".join(left_out(found, folder)))
    target, html = Path("counts.html"), page(asked, named, len(found.answers), left_out(found, folder))
    target.write_text(html, encoding="utf-8", errors="replace")
    print(f"Written: {target.resolve()}")


def questions(found: list[Answers]) -> list[Question]:
    """Each question that some notebook asks, in order."""
    names = {name for answers in found for name in answers.letters}
    return [question(name, found) for name in sorted(names, key=_in_order)]


def _in_order(name: str) -> tuple[bool, str, int]:
    before, _, number = name.rpartition("-")
    return row(name) is None, before, int(number)


def question(name: str, found: list[Answers]) -> Question:
    """The counts of one question."""
    given = [answers.letters[name] for answers in found if name in answers.letters]
    most = max((answers.choices.get(name, 0) for answers in found), default=0)
    known, listed = choices_of(name, most), row(name)
    counted, other = Counter(given), Counter(one for one in given if one and one not in list(known))
    about, right = (listed.about, listed.right) if listed else ("", "")
    return Question(name, about, right, {one: counted[one] for one in known}, dict(other.most_common()), counted[""])


def mistakes(found: list[Answers]) -> list[tuple[str, str, int]]:
    """Notebook, key, and in how many notebooks a check has named it; of each notebook the most frequent first."""
    counted = Counter((answers.notebook, key) for answers in found for key in answers.mistakes)
    return [(*pair, many) for pair, many in sorted(counted.items(), key=lambda one: (one[0][0], -one[1], one[0][1]))]


def table(asked: list[Question], named: list[tuple[str, str, int]], many: int) -> str:
    """What the terminal shows."""
    lines = [f"{many} notebook{'s' * (many != 1)}"]
    for one in asked:
        right = f" (right: {one.right})" if one.right else ""
        lines += ["", f"{one.name} {one.about}{right}: {one.all} answered, {one.open} not"]
        rows = [*one.letters.items(), *([("other", sum(one.other.values()))] if one.other else [])]
        lines += [f"  {letter:5} {'█' * round(BAR * count / (one.all or 1)):{BAR}} {count:4}" for letter, count in rows]
        lines += [f"        {plain(what)!r} {count}" for what, count in one.other.items()]
    if named:
        lines += ["", "Mistakes that checks have named, and in how many notebooks"]
        lines += [f"  {count:4}  {plain(notebook):4} {plain(key)}" for notebook, key, count in named]
    return "\n".join(lines)


def left_out(found: Submissions, folder: Path) -> list[str]:
    """A sentence for each notebook that does not count."""
    lines = [f"Left out, a newer copy counts: {path.relative_to(folder)}" for path in found.copies]
    lines += [f"Left out, it cannot be read: {path.relative_to(folder)} ({why})" for path, why in found.broken.items()]
    return [plain(line, 200) for line in lines]


def page(asked: list[Question], named: list[tuple[str, str, int]], many: int, left: list[str]) -> str:
    """A page that needs no other file."""
    template = Environment(autoescape=True, trim_blocks=True).from_string(PAGE.read_text(encoding="utf-8"))
    return template.render(asked=asked, named=named, many=many, left=left)


def plain(text: str, longest: int = SHORT) -> str:
    """Text on one line, short, without the characters that a terminal obeys."""
    text = "".join(one if one.isprintable() else "·" for one in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # a terminal that has no █
    main(sys.argv[1:])
