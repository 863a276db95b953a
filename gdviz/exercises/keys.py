"""The key of a mistake: short, and the same in every run and for every learner, so that a class can be counted.

The author of a hint may begin it with its key, "[no-two] The 2 is missing.", which is not shown; else it is made of the
first words. Of what a check says by itself, it is the words before the first number, name or piece of code.
"""

import re

WORDS, LENGTH = 8, 80
GIVEN = re.compile(r"\[([a-z][\w-]*)\]\s+", re.I)
MEASURED = re.compile(r"[\d`'\"(;:.={]")  # what follows may differ from learner to learner


def split(hint: str) -> tuple[str, str]:
    """What is shown of an author's hint, and its key. Fields of a format, {0:.1f}, are no part of a key."""
    given = GIVEN.match(hint)
    if given:
        return hint[given.end() :], given[1].lower()
    return hint, _slug(re.sub(r"\{.*?\}", " ", hint))


def general(hint: str) -> str:
    """The key of a hint that a check makes of what it measured; "" where fewer than two words are always the same."""
    key = _slug(MEASURED.split(hint, maxsplit=1)[0])
    return key if "-" in key else ""


def _slug(words: str) -> str:
    return "-".join(re.findall(r"[^\W_]+", words.lower())[:WORDS])[:LENGTH]
