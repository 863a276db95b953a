"""What a room has answered, in one file of sqlite: who (a random number), which question, which letter; and no name.

A letter is in the file before it is acknowledged, so nothing is lost when the service is killed.
"""

import importlib.util
import re
import secrets
import sqlite3
from pathlib import Path
from typing import Any

QUESTIONS = Path(__file__).parents[2] / "gdviz" / "exercises" / "questions.py"
TABLES = """
    CREATE TABLE IF NOT EXISTS letters (name TEXT, who TEXT, letter TEXT, PRIMARY KEY (name, who)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS mistakes (key TEXT, who TEXT, PRIMARY KEY (key, who)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS own (name TEXT PRIMARY KEY, choices INTEGER, about TEXT) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
WHO = re.compile(r"[0-9a-f-]{16,64}")
LONGEST_KEY, LONGEST_ABOUT, KEYS_EACH, NAMES_EACH = 120, 200, 50, 300


def loaded() -> Any:
    """The module of the course's questions, without the package around it: that would load torch, for seconds."""
    spec = importlib.util.spec_from_file_location("questions", QUESTIONS)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


questions = loaded()


class Refused(ValueError):
    """What is refused, as a sentence; status: of HTTP."""

    def __init__(self, said: str, status: int = 400):
        super().__init__(said)
        self.status = status


class Store:
    """The letters and mistakes of a room, and its questions; path: the file."""

    def __init__(self, path: Path):
        self.base = sqlite3.connect(path, isolation_level=None)  # each statement is its own transaction
        path.chmod(0o600)  # it holds the lecturer's token
        self.base.execute("PRAGMA journal_mode = WAL")
        self.base.execute("PRAGMA synchronous = NORMAL")  # in the file, though not on the disk, before it returns
        self.base.executescript(TABLES)
        self.token = self._state("token", secrets.token_hex(16))

    def close(self) -> None:
        """Fold the log into the file."""
        self.base.close()

    def question(self, name: Any) -> dict[str, Any] | None:
        """The name, choices and matter of a question of the table, or of one's own that was opened; or None."""
        if not isinstance(name, str):
            return None
        row = questions.row(name)
        if row is not None:
            return {"name": name, "choices": row.choices, "about": row.about} if row.right else None
        found = self.base.execute("SELECT choices, about FROM own WHERE name = ?", (name,)).fetchone()
        return {"name": name, "choices": found[0], "about": found[1]} if found else None

    def listed(self) -> list[dict[str, Any]]:
        """All questions, those of one's own last."""
        names = [f"{notebook}-{k}" for notebook, rows in questions.TABLE.items() for k in range(1, len(rows) + 1)]
        own = self.base.execute("SELECT name FROM own").fetchall()
        return [found for name in [*names, *sorted(name for (name,) in own)] if (found := self.question(name))]

    def open(self, name: Any, choices: Any = None, about: Any = None) -> None:
        """Open a question; one of one's own says how many choices it has, and may be opened again without."""
        found = self.question(name)
        if found and questions.row(name):
            if choices not in (None, found["choices"]):
                raise Refused(f"question {name} is the course's and has {found['choices']} choices, not {choices!r}")
        elif not found or choices is not None:
            about = "" if about is None else about
            if not isinstance(about, str) or len(about) > LONGEST_ABOUT:
                raise Refused(f"about must be text of at most {LONGEST_ABOUT} characters")
            if isinstance(name, str) and questions.row(name):
                raise Refused(f"question {name} is a click in the picture, which has no letters")
            try:
                questions.own(name, choices)
            except ValueError as error:
                raise Refused(str(error)) from error
            self.base.execute("INSERT OR REPLACE INTO own VALUES (?, ?, ?)", (name, choices, about))
        self._set("open", name)

    def opened(self) -> dict[str, Any]:
        """The open question, and a number that changes when its letters were forgotten; name is None where none is."""
        found = self.question(self._state("open", ""))
        return (found or {"name": None, "choices": 0, "about": ""}) | {"round": int(self._state("round", "0"))}

    def note(self, name: Any, letter: Any, who: Any, choices: Any = None) -> str:
        """Note a letter, in the place of an earlier one of the same sender; the letter as it was understood.

        A question of one's own may be answered, by a notebook that says its choices, before it is opened.
        """
        self._known(who)
        found = self.question(name)
        if found is None:
            try:
                choices = questions.own(name, choices).choices
            except ValueError as error:
                raise Refused("there is no such question in this room", 404) from error
        else:
            choices = found["choices"]
        heard, known = questions.heard(letter), questions.LETTERS[:choices]
        if not isinstance(heard, str) or heard not in list(known):
            raise Refused(f"choose one of the letters {', '.join(known)}")
        if self._many("SELECT COUNT(*) FROM letters WHERE who = ? AND name != ?", who, name) >= NAMES_EACH:
            raise Refused(f"that is more than {NAMES_EACH} questions")
        self.base.execute("INSERT OR REPLACE INTO letters VALUES (?, ?, ?)", (name, who, heard))
        return heard

    def counts(self, name: Any) -> dict[str, Any]:
        """How often each letter of a question was chosen, and how many there are in all."""
        found = self.question(name)
        if found is None:
            raise Refused("there is no such question in this room", 404)
        rows = self.base.execute("SELECT letter, COUNT(*) FROM letters WHERE name = ? GROUP BY letter", (name,))
        counts = dict.fromkeys(questions.LETTERS[: found["choices"]], 0)
        counts |= {letter: many for letter, many in rows if letter in counts}
        return found | {"counts": counts, "all": sum(counts.values())}

    def mistake(self, key: Any, who: Any) -> None:
        """Note that a check named this mistake to the sender."""
        self._known(who)
        if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
            raise Refused(f"a key is text of 1 to {LONGEST_KEY} characters")
        if self._many("SELECT COUNT(*) FROM mistakes WHERE who = ? AND key != ?", who, key) >= KEYS_EACH:
            raise Refused(f"that is more than {KEYS_EACH} mistakes")
        self.base.execute("INSERT OR REPLACE INTO mistakes VALUES (?, ?)", (key, who))

    def mistakes(self) -> list[tuple[str, int]]:
        """The keys of mistakes, and to how many learners each was named; the most frequent first, at most 100."""
        wanted = "SELECT key, COUNT(*) AS many FROM mistakes GROUP BY key ORDER BY many DESC, key LIMIT 100"
        return self.base.execute(wanted).fetchall()

    def forget(self, name: str | None = None) -> None:
        """Forget the letters of a question; without one, all letters, mistakes and questions of one's own."""
        if name is None:
            self.base.executescript("BEGIN; DELETE FROM letters; DELETE FROM mistakes; DELETE FROM own; COMMIT")
        else:
            self.base.execute("DELETE FROM letters WHERE name = ?", (name,))
        self._set("round", str(int(self._state("round", "0")) + 1))

    def letters(self) -> int:
        """How many letters there are."""
        return self._many("SELECT COUNT(*) FROM letters")

    def _many(self, wanted: str, *values: str) -> int:
        return self.base.execute(wanted, values).fetchone()[0]

    def _known(self, who: Any) -> None:
        if not isinstance(who, str) or not WHO.fullmatch(who):
            raise Refused("the sender must be a random number of 16 to 64 hexadecimal digits")

    def _state(self, name: str, first: str) -> str:
        self.base.execute("INSERT OR IGNORE INTO state VALUES (?, ?)", (name, first))
        return self.base.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()[0]

    def _set(self, name: str, value: str) -> None:
        self.base.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))
