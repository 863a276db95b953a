"""What INSTRUCTORS.md says of each section of a notebook."""

import re
from pathlib import Path
from typing import NoReturn

COLUMNS = ["section", "minutes", "ask before", "expect"]


def table(text: str, path: Path) -> dict[str, list[str]]:
    """Section -> minutes, what to ask before, what to expect: from the table under "### 01 Linear regression"."""
    parts = re.split(r"^#+ +(.+?) *$", text, flags=re.M)
    bodies = {title.lower().replace(" ", "_"): body for title, body in zip(parts[1::2], parts[2::2])}
    place = f'INSTRUCTORS.md, "### {path.stem.replace("_", " ")}"'
    if path.stem not in bodies:
        refuse(f"{place}: there is no such heading (upper and lower case are the same)")
    first, *rest = [row_of(line) for line in bodies[path.stem].splitlines() if line.startswith("|")] or [[]]
    rows = rest[1:]  # behind the line of dashes
    wrong = [first] if first != COLUMNS else [row for row in rows if len(row) != 4 or not row[1].isdecimal()]
    if wrong:
        refuse(f"{place}: a table with the columns {COLUMNS} is needed, minutes as a whole number; got {wrong[0]}")
    return {row[0]: row[1:] for row in rows}


def row_of(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
    return [cell.strip().replace(r"\|", "|") for cell in cells]


def refuse(message: str) -> NoReturn:
    raise ValueError(message)
