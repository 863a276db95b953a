"""English as a native lecturer would write it: the habits of a translation that a program can find are in no text."""

import ast
import json
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = {
    "notebooks": sorted((ROOT / "notebooks").glob("*.ipynb")),
    "documents": sorted(ROOT.glob("*.md")),
    "python": sorted((ROOT / "gdviz").rglob("*.py")),
    "tables": sorted((ROOT / "gdviz").rglob("*.toml")),
    "scripts": sorted((ROOT / "gdviz").rglob("*.mjs")),
}
READS = {"notebooks": ".ipynb", "documents": ".md", "python": ".py", "tables": ".toml", "scripts": ".mjs"}
COUNTED = "steps|epochs|runs|examples|names|digits|minutes|predictions|notebooks|parameters"


class Habit(NamedTuple):
    """pattern: of the habit; instead: what is said; odd: a sentence that has it; fine: one near to it that does not."""

    pattern: str
    instead: str
    odd: str
    fine: str


HABITS = [
    Habit(
        r"\bin the place of\b", "instead of", "Put i in the place of n.", "The place of each minimum is in the table."
    ),
    Habit(r"\bthe one of\b", "that of, or the name", "Its loss is the one of Adam.", "This one of the three is Adam."),
    Habit(r"\bfor ever\b", "forever, endlessly", "It circles for ever.", "It counts for every step."),
    Habit(r"\bshall\b", "should, will", "Which rule shall win?", "A shallow well."),
    Habit(r"\bdear(er|est|ly)?\b", "expensive", "A gradient is dear.", "An endearing picture."),
    Habit(r"\b(is|are|has|have) another one\b", "changes, differs", "The loss is another one.", "Try another one."),
    Habit(r"(?:^|[.!?] )Who\b[^.?!]*\.", "if you ...", "Who measures, knows more.", "Who leaves first?"),
    Habit(r"\btrainings\b", "training runs", "Six trainings.", "Six training runs."),
    Habit(
        r"\b(an?( earlier)?|another|each|every|one) training\b(?=[.,;:!?)]| (is|was|of|that|which|saw|ends?|stops?)\b)",
        "training, a training run",
        "What a training saw.",
        "The loss of a training run; each training set.",
    ),
    Habit(r"\bwhat of\b", "what about, which of", "And what of the rate?", "What often helps is a smaller rate."),
    Habit(
        r"\bwhether or not\b|\bwhether [^.?!;,]{1,40} or not\b",
        "whether",
        "It asks whether it converges or not.",
        "Ask whether it converges. It may, or not.",
    ),
    Habit(r"\bsay it with\b", "use, write", "Say it with a tensor.", "Say it, with a tensor in hand."),
    Habit(r"\bgo(es)? on to (dis)?agree", "keeps disagreeing", "It goes on to disagree.", "It goes on to the end."),
    Habit(r"\bcomes? by\b(?! \w+ing)", "overtakes", "Then Adam comes by.", "It comes by adding them up."),
    Habit(r"\bbeyond all bounds\b", "without bound", "It grows beyond all bounds.", "It grows without bound."),
    Habit(r"\bthe last of all\b", "comes last", "It is the last of all.", "The last of the four."),
    Habit(
        r"\b(in|on|above|below|beside|under|behind) the [\w-]+ stands?\b(?! for)",
        "the formula contains",
        "In the formula stands a root.",
        "The m in the formula stands for a mean. It stands in the formula.",
    ),
    Habit(
        r"\bto part\b(?! of)|\b(they|then|lines) part\b(?! of)|\bpart(ed)? the (moons|classes|points|two)\b",
        "to separate",
        "A line that must part the moons.",
        "It is due to part of the data; they are part of it.",
    ),
    Habit(r"\bare that\b(?=[?.,!])", "is that", "How many steps are that?", "How many are there that diverge?"),
    Habit(r"\bthinks of (it|that|this)\b", "takes care of it", "`evaluate` thinks of it.", "What do you think of it?"),
    Habit(r"\bis sooner\b", "gets there sooner", "Adam is sooner at the floor.", "It gets there sooner."),
    Habit(
        r"\brelative (above|below) \d", "relative error where values exceed 1", "Relative above 1.", "Relative to 1."
    ),
    Habit(r"\byour steps are those of\b", "this is X with ...", "Your steps are those of Adam.", "This is Adam."),
    Habit(
        rf"(?<![\w.,/*^+-])1 ({COUNTED})\b|(?<!and )\b1 are\b",
        "1 step, 1 is",
        "1 epochs.",
        "11 epochs, 1 epoch; 0 and 1 are rates.",
    ),
    Habit(r"\{\} (are|were) (waiting|left|there)\b", "a word for one", "{} are waiting.", "{} waiting."),
    Habit(r"\b(every|the) (\d*[123]|\{\})th\b(?<!1[123]th)", "every 2nd", "Keep every 2th step.", "Every 11th step."),
    Habit(r"\bbelongs? into\b", "belongs in", "The loop belongs into `fit`.", "It belongs in the loop."),
    Habit(r"\bas usually\b", "usually", "A rule, as usually AdamW.", "As usual, Adam."),
]


def prose_of(path: Path) -> Iterator[tuple[str, str]]:
    """What is written to be read in a file: where, and the text on one line."""
    for place, text in {
        ".ipynb": _of_notebook,
        ".md": lambda path: [("", _plain(path.read_text(encoding="utf-8")))],
        ".py": lambda path: _of_python(path.read_text(encoding="utf-8")),
        ".toml": _of_table,
        ".mjs": lambda path: [("", re.sub(r"^ *//", " ", path.read_text(encoding="utf-8"), flags=re.M))],
    }[path.suffix](path):
        yield place, " ".join(text.split())


def _plain(markdown: str) -> str:
    """Markdown without code, formulas, addresses and HTML."""
    return re.sub(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$|\]\([^)]*\)|<[^>]+>|[*_]{1,2}", " ", markdown, flags=re.S)


def _of_notebook(path: Path) -> Iterator[tuple[str, str]]:
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield f"cell {number}", _plain(source)
        else:
            for line, text in _of_python(re.sub(r"^(\s*)%.*", r"\1pass", source, flags=re.M)):
                yield f"cell {number}, {line}", text


def _of_python(source: str) -> Iterator[tuple[str, str]]:
    """Docstrings and other strings, {} for what an f-string fills in; and comments."""
    inside = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            words = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield f"line {node.lineno}", "".join(map(str, words))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield f"line {node.lineno}", node.value
    for token in tokenize.generate_tokens(iter(source.splitlines(keepends=True)).__next__):
        if token.type == tokenize.COMMENT:
            yield f"line {token.start[0]}", token.string.lstrip("# ")


def _of_table(path: Path) -> Iterator[tuple[str, str]]:
    for name, rows in tomllib.loads(path.read_text(encoding="utf-8")).items():
        for row in rows:
            yield from ((name, str(words)) for words in row.values())


def found(path: Path, name: str) -> Iterator[str]:
    for place, text in prose_of(path):
        for habit in HABITS:
            for match in re.finditer(habit.pattern, text, re.I if not habit.pattern.startswith("(?:^") else 0):
                near = text[max(0, match.start() - 40) : match.end() + 40]
                yield f"{name} {place}: {match[0]!r} in {near!r}; say: {habit.instead}"


@pytest.mark.parametrize("kind", TEXTS)
def test_no_text_has_a_habit_of_a_translation(kind):
    assert TEXTS[kind], f"there are no {READS[kind]}"
    assert [line for path in TEXTS[kind] for line in found(path, path.relative_to(ROOT).as_posix())] == []


PLACES = {  # a file in which a sentence stands where somebody reads it
    ".md": "# Title\n\nA first line.\n{}\n",
    ".mjs": "// {}\nexport const a = 1;\n",
    ".toml": '[[a]]\nwhy = "{}"\n',
    "docstring.py": 'def f():\n    """First.\n\n    {}\n    """\n',
    "comment.py": "a = 1  # {}\n",
    "string.py": 'raise ValueError("{}")\n',
    "f-string.py": 'raise ValueError(f"{{1}}. {}")\n',
    "text.ipynb": "markdown",
    "code.ipynb": "code",
}


def written(folder: Path, place: str, sentence: str) -> Path:
    path = folder / f"a{place}"
    if place.endswith(".ipynb"):
        source = sentence if PLACES[place] == "markdown" else f'%pip install a\nb = "{sentence}"'
        path.write_text(json.dumps({"cells": [{"cell_type": PLACES[place], "source": [source]}]}), encoding="utf-8")
    else:
        inside = "f-string" in place
        path.write_text(PLACES[place].format(sentence.replace("{}", "{2}") if inside else sentence), encoding="utf-8")
    return path


@pytest.mark.parametrize("habit", HABITS, ids=[habit.pattern for habit in HABITS])
def test_a_planted_habit_is_found_wherever_it_stands(tmp_path, habit):
    for place in PLACES:
        if "{}" in habit.odd and place not in ("f-string.py",):  # it is of numbers that are filled in
            continue
        assert list(found(written(tmp_path, place, habit.odd.replace("`", "")), place)), place
        assert not list(found(written(tmp_path, place, habit.fine), place)), place


def test_code_and_formulas_are_not_read_as_english(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("`for ever` $shall$ [here](in-the-place-of.html)\n```\nshall\n```\n", encoding="utf-8")
    assert not list(found(path, "a"))
