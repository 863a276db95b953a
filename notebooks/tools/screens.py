"""The screens of a lecture, cut from the run section of a notebook: a question and a picture on each.

What a screen does not show of the text is in the lecturer's notes beside it.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode
from needed import statements
from sections import NEVER

TOGETHER = 520  # letters on a screen of text, about
ANSWER = 230  # letters of an answer; the rest is said
PREDICT = re.compile(r"\*\*Predict(?: \d+)?(?:\*\*[^.:]*[.:]|[.:]\*\*)\s*")
OPTIONAL = re.compile(r"\*Optional, \d+ minutes\.\*")  # for readers; a lecture has chosen already
HAPPENED = re.compile(r"\*\*What happened(?:: \(([a-h])\))?\.?\*\*[.,:]?\s*")
CHOICE = re.compile(r"\*\*\(([a-h])\)\*\*\s*")
EXPLAIN = re.compile(r"<details>\s*<summary>(.*?)</summary>\s*(.*?)\s*</details>", re.S)
MINDED = re.compile(r"\byour letter\b|^Put your letter")  # what only somebody with a notebook does
SENTENCE = re.compile(r"(?<=[.!?)])\s+(?=[A-Z*$(\d])")
BLOCK = re.compile(r"(?:```.*?^```|<details>.*?</details>|\$\$.*?\$\$|.)+?(?=\n\s*\n|\Z)", re.S | re.M)
FRAME = re.compile(r"predict|views\.|plt\.|print|for |def |class |import |from |.*\n")
STANDS = re.compile(r"\$\$|^>|^\||^[-*] |^\d+\. ", re.M)  # a formula, a quotation, a table, a list


@dataclass
class Question:
    """name: of its prediction, for counting; stem and after are Markdown around the choices, letter -> Markdown."""

    stem: str
    choices: dict[str, str] = field(default_factory=dict)
    after: str = ""
    name: str = ""


@dataclass
class Screen:
    """What is shown at once; answer, right and printed come by a key, notes are the lecturer's. Texts are Markdown."""

    title: str
    texts: list[str] = field(default_factory=list)
    question: Question | None = None
    code: str = ""
    picture: dict[str, Any] | None = None  # the data of an output: a player's HTML, or a PNG
    alt: str = ""
    late: bool = False  # the picture is the answer, and comes with it
    answer: str = ""
    right: str = ""
    printed: str = ""
    notes: list[str] = field(default_factory=list)


def screens_of(title: str, cells: list[NotebookNode]) -> list[Screen]:
    """The screens of a section."""
    maker = _Maker(title)
    for cell in cells:
        if NEVER & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "code":
            maker.code(cell)
        elif cell.cell_type == "markdown":
            for text in paragraphs(cell.source):
                maker.text(text)
    return maker.done()


def paragraphs(source: str) -> Iterator[str]:
    """The blocks of a Markdown text; formulas, fences and what is folded stay whole."""
    return (found[0].strip() for found in BLOCK.finditer(source) if found[0].strip())


class _Maker:
    def __init__(self, title: str):
        self.title, self.screens, self.pending, self.later, self.lessons = title, [], [], [], []
        self.asked: Question | None = None  # and not yet answered
        self.shown: Screen | None = None  # the picture that an answer belongs to

    def text(self, text: str) -> None:
        text = re.sub(r"\A## .*\n?", "", text).strip()
        if not text or OPTIONAL.fullmatch(text):
            return
        if PREDICT.search(text):
            return self.ask(text)
        if self.asked and not self.asked.choices and CHOICE.search(text):  # they are in a paragraph of their own
            more = question(text)
            self.asked.stem = f"{self.asked.stem} {more.stem}".strip()
            self.asked.choices, self.asked.after = more.choices, more.after
            return
        if (found := HAPPENED.match(text)) and self.asked:
            return self.tell(text[found.end() :], found[1] or "")
        if text.startswith("<details>") and "Explain:" not in text:  # a hint, a solution
            return
        if found := EXPLAIN.match(text):
            return self.explain(*found.groups())
        if not self.screens or STANDS.search(text):
            said = self.later if self.pending else self.screens[-1].notes if self.screens else []
            if said and not said[-1].startswith("```") and (text.startswith("$$") or said[-1].endswith(":")):
                self.pending.append(said.pop())  # the sentence that goes on in what is shown
            self.pending.append(text)
        else:
            self.note(text)

    def ask(self, text: str) -> None:
        found = PREDICT.search(text)
        if lead := text[: found.start()].strip():
            self.pending.append(lead)
        self.flush()
        self.asked, self.lessons = (
            question(" ".join(one for one in SENTENCE.split(text[found.end() :].strip()) if not MINDED.search(one))),
            [],
        )
        self.shown = self.add(question=self.asked)

    def tell(self, text: str, right: str) -> None:
        self.flush()
        screen = self.shown or self.add()
        if self.asked and screen.question is None:
            screen.question = self.asked
        screen.right, (screen.answer, rest) = right, first_sentences(text)
        if rest:
            screen.notes.append(rest)  # where it goes on in a formula, that takes it along
        self.asked = self.shown = None

    def explain(self, summary: str, answer: str) -> None:
        self.flush()
        ask = re.sub(r"</?b>|Explain:", "", summary).strip()
        self.add(question=Question(ask[:1].upper() + ask[1:]), answer=answer)

    def code(self, cell: NotebookNode) -> None:
        if self.asked and (name := prediction_in(cell.source)):
            self.asked.name = name
        data = [output.get("data", {}) for output in cell.outputs]
        printed = "".join(output.get("text", "") for output in cell.outputs if output.output_type == "stream").strip()
        shown = [(one, output) for one, output in zip(data, cell.outputs) if {"text/html", "image/png"} & set(one)]
        self.lessons.append(lesson(cell))
        for one, output in shown:
            self.flush()
            if self.shown is None or self.shown.picture or not self.asked:
                self.shown = self.add()
            if self.shown.printed:
                self.shown.notes.append(f"```\n{self.shown.printed}\n```")
                self.shown.printed = ""
            self.shown.picture, self.shown.code = one, "\n".join(filter(None, self.lessons))
            self.lessons = []
            self.shown.late = "answer" in cell.metadata.get("tags", [])
            self.shown.alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
        if printed and self.asked and self.shown and not self.shown.picture:
            self.shown.printed = "\n".join(filter(None, [self.shown.printed, printed]))
        elif printed and not self.asked and self.goes_on() and not self.screens[-1].printed:
            self.screens[-1].printed = printed
        elif printed:
            self.note(f"```\n{printed}\n```")

    def goes_on(self) -> bool:
        """Whether the text that was shown last ends in what a cell prints."""
        self.flush()
        return bool(self.screens and self.screens[-1].texts) and self.screens[-1].texts[-1].endswith(":")

    def note(self, text: str) -> None:
        if self.pending:
            self.later.append(text)  # it belongs to the screen that these texts will make
        elif self.screens:
            self.screens[-1].notes.append(text)
        else:
            self.pending.append(text)

    def flush(self) -> None:
        """Show the texts that wait, a few at a time; a formula stays with the sentence that it completes."""
        room = 0
        for text, after in zip(self.pending, [*self.pending[1:], ""]):
            goes_on = after.startswith("$$") or text.endswith(":")
            full = room < size(text + after if goes_on else text)
            if not room or (full and not text.startswith("$$")) or room < -TOGETHER:
                self.add()
                room = TOGETHER
            self.screens[-1].texts.append(text)
            room -= size(text)
        if self.later:
            self.screens[-1].notes += self.later
        self.pending, self.later = [], []

    def add(self, **parts: Any) -> Screen:
        self.screens.append(Screen(self.title, **parts))
        return self.screens[-1]

    def done(self) -> list[Screen]:
        self.flush()
        return self.screens


def size(text: str) -> int:
    """How much of a screen a text takes, in letters."""
    return len(text) + 90 * text.count("$$") + 40 * text.count("\n|") + 40 * len(re.findall(r"^[-\d]", text, re.M))


def question(text: str) -> Question:
    """The choices of a question, and what is said before and after them."""
    marks = list(CHOICE.finditer(text))
    if not marks:
        return Question(text)
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    found = {mark[1]: text[mark.end() : end].strip() for mark, end in zip(marks, ends)}
    last = marks[-1][1]
    end = re.search(r"\?|\.(?=\s+[A-Z(]|\s*$)", found[last])
    after = found[last][end.end() :].strip() if end else ""
    found[last] = found[last][: end.end()] if end else found[last]
    ends = r"(?:[\s,;-]*\bor|[\s,;-]+)[\s-]*$"
    choices = {letter: re.sub(ends, "", choice).rstrip("?. ") for letter, choice in found.items()}
    return Question(text[: marks[0].start()].strip(" \n-"), choices, after)


def first_sentences(text: str) -> tuple[str, str]:
    """As many whole sentences as an answer has room for, and the rest."""
    sentences, shown = [], []
    for part in SENTENCE.split(text):
        torn = sentences and sentences[-1].count("(") > sentences[-1].count(")")
        sentences[-1:] = [f"{sentences[-1]} {part}"] if torn else [*sentences[-1:], part]
    while sentences and (not shown or len(" ".join([*shown, sentences[0]])) <= ANSWER):
        shown.append(sentences.pop(0))
    while shown and not re.search(r"[.!?)*]$", shown[-1].strip()):  # it goes on in the next paragraph
        sentences.insert(0, shown.pop())
    return " ".join(shown), " ".join(sentences)


def prediction_in(code: str) -> str:
    """The name of the prediction that a cell asks for; empty where there is none."""
    for node in (node for line in statements(code, 0) for node in ast.walk(line.node)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("predict", "predict_by_click") and node.args:
            return getattr(node.args[0], "value", "")
    return ""


def lesson(cell: NotebookNode) -> str:
    """The lines of a cell that are the lesson: a call of minimize; with the tag "lesson" all but what frames it."""
    lines = [line.source for line in statements(cell.source, 0)]
    if "lesson" in cell.metadata.get("tags", []):
        return "\n".join(line for line in lines if not FRAME.match(line))
    return "\n".join(line for line in lines if "minimize(" in line and len(line) < 110 and not FRAME.match(line))
