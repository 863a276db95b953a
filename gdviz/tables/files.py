"""The columns of a CSV, read exactly."""

import contextlib
import csv
import io
import itertools
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from math import isinf
from pathlib import Path

from gdviz.hyperparameters import short
from gdviz.tables.cells import NUMBER, cure_of

Row = tuple[int, list[str]]  # the line of the file in which it begins, and its cells


SEPARATORS = ",;\t"
BREAK = re.compile(r"\r\n|\r|\n")
INVISIBLE = "[\u00ad\u200b\u200e\u200f\u2060\ufeff]"
FIRST = "names belong in the first row, separated by commas, semicolons or tabs"
NOT_UTF8 = "is not UTF-8 text; save it as CSV UTF-8"
OTHERS = {  # how a file begins that is no CSV -> what it is, and the cure
    rb"PK\x03\x04|\xd0\xcf\x11\xe0": "is a workbook (of Excel, say); open it there and save it as CSV UTF-8",
    rb"\x1f\x8b": "is compressed; unpack it first",
    rb"(\xef\xbb\xbf)?\s*\[?\s*\{\s*\"": "is JSON; save it as CSV UTF-8",
    rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|table|\?xml)\b": "is a web page; download the file itself",
    rb"[^\0]*\0": NOT_UTF8,  # of UTF-16, half the bytes are zero
}


def columns(path: str | Path, *names: str) -> list[list[float]]:
    """The numbers of the columns of a CSV that are asked for, in that order. Its first row holds the names.

    Commas, semicolons or tabs separate: those with which the columns asked for are there.

    Args:
        path: the file, UTF-8.
        names: of the columns.

    Returns:
        A list for each column.

    Raises:
        ValueError: with the line in the file: a column that is missing or there twice, a row with more or fewer cells
            than the first (empty ones at its end do no harm), a cell that is not a finite number, a quotation mark that
            is not closed.
        TypeError: a name that is not text.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("flats.csv").write_text(chr(10).join(["size;price", "31;480", "45;610"]))
        >>> columns("flats.csv", "price", "size")
        [[480.0, 610.0], [31.0, 45.0]]
    """
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"with csv=..., x and y are names of columns, as text; got {short(repr(name), 60)}")
    wanted = [plain(name) for name in names]
    path, found = text(path)
    separator, head, body = table(path, found, wanted)
    if not body:
        raise ValueError(f"{path} is empty; it needs a row of column names and a row for each example")
    for name in wanted:
        if name not in head:
            below = line_with(path, found, lambda cells: {*wanted} <= {*cells})
            where = f"line {below} has it; delete the lines above it" if below else FIRST
            raise ValueError(f"{path} has no column {name!r}; it has {', '.join(map(repr, head))} ({where})")
        if head.count(name) > 1:
            raise ValueError(f"{path} has {head.count(name)} columns named {name!r}; rename all but one")
    at = [head.index(name) for name in wanted]
    if all(len(cells) == len(head) + 1 and cells[-1].strip() for _, cells in body):
        cure = "row names without a column name? R writes none with row.names=FALSE. Or a decimal comma? Write a point"
        raise ValueError(f"{path}: each row has {len(head) + 1} cells, the header {len(head)} ({cure})")
    for row in body:
        _check_row(path, row, len(head), separator)
        _check_quoted(path, row, len(head), separator, at)
    for i in at if separator == ";" else ():
        _check_thousands(path, body, i, head[i])
    numbers = [[_cell(path, row, i, head[i]) for i in at] for row in body]
    return [list(read) for read in zip(*numbers)]


def plain(name: str) -> str:
    """A name as names are compared: letters composed (NFC), one space for any blank, nothing invisible."""
    visible = re.sub(INVISIBLE, "", name)
    return " ".join(unicodedata.normalize("NFC", visible).split())


def text(path: str | Path) -> tuple[Path, str]:
    """A file's path and its text, line breaks as they are. Refused: whatever is not UTF-8 text."""
    try:
        file = Path(os.path.expanduser(path))
    except TypeError:
        cure = "; the columns of a frame are given themselves: frame['size']" if hasattr(path, "columns") else ""
        raise TypeError(f"a file is given by its path, got {short(repr(path), 60)}{cure}") from None
    if not os.path.isfile(file):
        given = str(path)
        why = "; that is a folder: name a file in it" if os.path.isdir(file) else ""
        why = "; that is an address: download the file first" if "://" in given else why
        why = "; that is the text itself: save it in a file, and give its path" if "\n" in given else why
        raise FileNotFoundError(f"no file {short(str(file), 300)} in {Path.cwd()}{why}")
    raw = file.read_bytes()
    for start, what in OTHERS.items():
        if re.match(start, raw, re.IGNORECASE):
            raise ValueError(f"{file} {what}")
    try:
        return file, raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        ends = error.reason == "unexpected end of data"
        what = "is cut short or damaged: it ends in the middle of a letter; copy it again" if ends else NOT_UTF8
        raise ValueError(f"{file} {what}") from None


def rows(path: Path, found: str, separator: str) -> Iterator[Row]:
    """The rows of a CSV, without the empty ones. Refused: a quotation mark that is not closed, or not doubled."""
    lines = io.StringIO(found + "\n\n", newline="").readlines()  # with a last line that only an open mark reaches
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    first = 1
    try:
        for cells in reader:
            if "".join(cells).strip():
                yield first, cells
            first = reader.line_num + 1
    except csv.Error as error:
        before = lines[first - 1 : reader.line_num - 1]  # they end within a quoted cell
        if not before:
            why = "only a separator may follow a closing quotation mark; double those within a cell"
            why = f"a cell has more than {csv.field_size_limit():,} characters" if "limit" in str(error) else why
            raise ValueError(f"{path}, line {first}: {why}") from None
        *closed, _ = next(csv.reader(before, delimiter=separator, skipinitialspace=True))
        raise ValueError(f"{path}: the quotation mark in line {first + _breaks(closed)} is not closed") from None


def table(path: Path, found: str, names: list[str]) -> tuple[str, list[str], list[Row]]:
    """The separator with which these names are there, the names in the first row, and the rows below it."""
    excel = re.match(r'"?sep=([^\s\w"]|\t)"? *[\r\n]', found, re.IGNORECASE)  # a first line that Excel understands
    heads = {s: _head(path, found, s, bool(excel)) for s in (excel[1] if excel else SEPARATORS)}
    first = BREAK.split(found.lstrip(), maxsplit=1)[0]
    separator = max(heads, key=lambda s: ({*names} <= {*heads[s]}, first.count(s)))
    return separator, heads[separator], [*rows(path, found, separator)][2 if excel else 1 :]


def _head(path: Path, found: str, separator: str, skip: int) -> list[str]:
    """The names in the first row, up to the last; none where it cannot be read, which is told with the whole file."""
    try:
        _, cells = next(itertools.islice(rows(path, found, separator), skip, None), (1, []))
    except ValueError:
        return []
    head = [plain(cell) for cell in cells]
    return head[: max((i for i, name in enumerate(head, 1) if name), default=0)]


def line_with(path: Path, found: str, wanted: Callable[[list[str]], bool]) -> int | None:
    """The line of the first row whose cells are the names that are wanted; None where there is none."""
    for separator in SEPARATORS:
        with contextlib.suppress(ValueError):
            for line, cells in rows(path, found, separator):
                if wanted([plain(cell) for cell in cells]):
                    return line
    return None


def _check_row(path: Path, row: Row, wanted: int, separator: str) -> None:
    line, cells = row
    if len(cells) < wanted:
        cure = "is a cell missing, or is this line not an example?"
    elif any(cell.strip() for cell in cells[wanted:]):
        comma = "a decimal comma? Write a point; " if separator == "," else ""
        cure = f"{comma}put text that contains {separator!r} in quotation marks"
    else:
        return
    raise ValueError(f"{path}, line {line} has {len(cells)} cell{'s'[: len(cells) > 1]}, the header {wanted} ({cure})")


def _check_quoted(path: Path, row: Row, wanted: int, separator: str, at: list[int]) -> None:
    """Refused: a quoted cell with a line that reads as an example: two marks that are not closed look like one cell."""
    line, cells = row
    for i, cell in enumerate(cells if _breaks(cells) else []):
        for part in BREAK.split(cell)[1:]:
            within = next(csv.reader([part], delimiter=separator, skipinitialspace=True), [])
            if len(within) == wanted and all(NUMBER.fullmatch(within[j].strip()) for j in at):
                opened = line + _breaks(cells[:i])
                raise ValueError(f"{path}: the quotation mark in line {opened} is not closed: it takes in {part!r}")


def _check_thousands(path: Path, body: list[Row], i: int, name: str) -> None:
    """Refused: a column of 950 and 1.200, as where semicolons separate points may stand between thousands."""
    cells = [cells[i].strip() for _, cells in body]
    pointed = [cell for cell in cells if "." in cell]
    thousands = pointed and all(re.fullmatch(r"[+-]?[1-9]\d{0,2}(\.\d{3})+", cell) for cell in pointed)
    if thousands and any(re.fullmatch(r"[+-]?[1-9]\d{2,}", cell) for cell in cells):
        raise ValueError(
            f"{path}, column {name!r}: a point between thousands in {pointed[0]!r}? Write 1234.5, not 1.234,5"
        )


def _cell(path: Path, row: Row, i: int, name: str) -> float:
    line, cells = row
    number = re.sub(INVISIBLE, "", cells[i]).strip()
    if not NUMBER.fullmatch(number) or isinf(float(number)):
        where = f"{path}, line {line + _breaks(cells[:i])}, column {name!r}"
        raise ValueError(f"{where}: {short(repr(cells[i]), 60)} is not a number{cure_of(number)}")
    return float(number)


def _breaks(cells: list[str]) -> int:
    return len(BREAK.findall("|".join(cells)))
