"""A CSV or columns of the learner's own, read exactly. What is refused is named with its place and the cure."""

import contextlib
import csv
import io
import itertools
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, MappingView, Set, Sized
from decimal import Decimal
from math import inf, isinf
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

Row = tuple[int, list[str]]  # the line of the file in which it begins, and its cells

SEPARATORS = ",;\t"
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)  # float() takes 1_000, nan
BREAK = re.compile(r"\r\n|\r|\n")
MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
CURES = {  # what stands where a number should (the first that fits) -> what to do about it
    r"|nan|<na>|nat|n\.?/?a\.?|none|null|-+|[.?]|#.*": "the value is missing; fill it in, or leave this example out",
    r"[+-]?(inf|infinity|∞)": "it must be finite; leave this example out",
    r"true|false": "write 1 for True and 0 for False",
    r"\(?.*\dj\)?": "it is complex; take its real part or its absolute value",
    r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([T ].*)?|\d{1,4}[-/]\d{1,2}|.*\d:\d\d.*|-?\d+ (day|hour|minute|\w*second)s?( .*)?"
    rf"|(?=.*\d).*\b({MONTHS})[a-z]*\b.*": "a date or a time? Write a number instead, such as the days since the first",
    r"[+-]?\d+\.?\d*": "write it with the digits 0 to 9",
    r".*%.*": "leave out the per cent sign, in every row alike",
    r"[−–—‐‑]\s*[\d.].*|.*\de[−–—‐‑]\d+|-\s+\d.*|\(\s*\d.*\)|\d\S*-": "type a plain minus (-) before the number",
    r"[+-]?(\d+,\d*|,\d+)(e[+-]?\d+)?": "a decimal comma? Write a point (and nothing between thousands)",
    r"[+-]?\d[\d.,'’ _]*\d(e[+-]?\d+)?": "write nothing between thousands, and a point for a decimal comma: 1234.5",
    r"[^\d;|\t]*\d[\d.,'’ _]*[^\d;|\t]*([^\W\d]\d)?": "write the number alone; put unit and currency in the header",
    r".*[;|\t].*": "it holds another separator than the first row",
}
NOT_UTF8 = "is not UTF-8 text; save it as CSV UTF-8"
OTHERS = {  # how a file begins that is no CSV -> what it is, and the cure
    rb"PK\x03\x04|\xd0\xcf\x11\xe0": "is a workbook (of Excel, say); open it there and save it as CSV UTF-8",
    rb"\x1f\x8b": "is compressed; unpack it first",
    rb"(\xef\xbb\xbf)?\s*\[?\s*\{\s*\"": "is JSON; save it as CSV UTF-8",
    rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|table|\?xml)\b": "is a web page; download the file itself",
    rb"[^\0]*\0": NOT_UTF8,  # of UTF-16, half the bytes are zero
}
CONTAINERS = (  # what is no column -> the cure
    (str, "; if that names a column of a file, add csv=..."),
    (MappingView | Iterator, "; make a list of it: list(...)"),
    (Mapping, "; give its values: list(d.values())"),
    (Set, "; a set has no order, so give a list"),
)


def column(name: str, values: Any, *, varies: bool = False) -> Tensor:
    """The numbers of a list, an array, a tensor or a pandas column, one for each example: a copy (n,), float64.

    Ints, floats, fractions and decimals are numbers, also in a frame or an array of one column, (n, 1).
    Refused, whatever holds them: text, bools, dates, complex numbers, missing values, NaN, infinities; with `varies`,
    values that are constant up to rounding.
    """
    array = _array(f"{name} must be numbers, one for each example", values)
    if array.dtype.kind not in "iuf":
        array = np.array([_number(name, i, value) for i, value in enumerate(array)], dtype=np.float64)
    with np.errstate(over="ignore"):  # a long double may be too large
        numbers = np.array(array, dtype=np.float64, order="C")
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise ValueError(
            f"{name} must be finite, got {numbers[bad[0]]} at position {bad[0]} ({len(bad)} such); drop those"
        )
    if varies and len(numbers) > 1 and _constant(numbers, array.dtype):
        rounding = "" if (numbers == numbers[0]).all() else ", up to rounding"
        what = f"{name} is constant ({numbers[0]:g}{rounding})"
        raise ValueError(f"{what}: every slope fits as well as any other; vary {name}")
    return torch.from_numpy(numbers)


def columns(path: str | Path, *names: str) -> list[list[float]]:
    """The numbers of the columns of a CSV that are asked for, in that order. Its first row holds the names.

    Commas, semicolons or tabs separate: those with which the columns asked for are there.
    Refused, with the line in the file: a column that is missing or there twice, a row with more or fewer cells than the
    first (empty ones at its end do no harm), a cell that is no finite number, a quotation mark that is not closed.
    """
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"with csv=..., x and y are names of columns, as text; got {_short(repr(name))}")
    wanted = [plain(name) for name in names]
    path, found = text(path)
    separator, head, body = _table(path, found, wanted)
    at = [head.index(name) for name in wanted]
    for row in body:
        _check_row(path, row, len(head), separator)
        _check_quoted(path, row, len(head), separator, at)
    numbers = [[_cell(path, row, i, head[i]) for i in at] for row in body]
    return [list(read) for read in zip(*numbers)]


def plain(name: str) -> str:
    """A name as names are compared: letters composed (NFC), one space for any blank, nothing invisible."""
    visible = re.sub("[\u00ad\u200b\u200e\u200f\u2060\ufeff]", "", name)
    return " ".join(unicodedata.normalize("NFC", visible).split())


def text(path: str | Path) -> tuple[Path, str]:
    """A file's path and its text, line breaks as they are. Refused: whatever is not UTF-8 text."""
    try:
        file = Path(os.path.expanduser(path))
    except TypeError:
        raise TypeError(f"a file is given by its path, got {_short(repr(path))}") from None
    if not os.path.isfile(file):
        given = str(path)
        why = "; that is a folder: name a file in it" if os.path.isdir(file) else ""
        why = "; that is an address: download the file first" if "://" in given else why
        why = "; that is the text itself: save it in a file, and give its path" if "\n" in given else why
        raise FileNotFoundError(f"no file {_short(str(file), 300)} in {Path.cwd()}{why}")
    raw = file.read_bytes()
    for start, what in OTHERS.items():
        if re.match(start, raw, re.IGNORECASE):
            raise ValueError(f"{file} {what}")
    try:
        return file, raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        ends = error.reason == "unexpected end of data"
        what = "is cut or spoilt: it ends within a letter; copy it anew" if ends else NOT_UTF8
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


def _table(path: Path, found: str, names: list[str]) -> tuple[str, list[str], list[Row]]:
    """The separator, the names in the first row, and the rows below it."""
    excel = re.match(r'"?sep=([^\s\w"]|\t)"? *[\r\n]', found, re.IGNORECASE)  # a first line that Excel understands
    heads = {s: _head(path, found, s, bool(excel)) for s in (excel[1] if excel else SEPARATORS)}
    first = BREAK.split(found.lstrip(), maxsplit=1)[0]
    separator = max(heads, key=lambda s: ({*names} <= {*heads[s]}, first.count(s)))
    head, body = heads[separator], [*rows(path, found, separator)][2 if excel else 1 :]
    if not body:
        raise ValueError(f"{path} is empty; it needs a row of column names and a row for each example")
    for name in names:
        if name not in head:
            known = ", ".join(map(repr, head))
            raise ValueError(f"{path} has no column {name!r}; it has {known} ({_elsewhere(path, found, names)})")
        if head.count(name) > 1:
            raise ValueError(f"{path} has {head.count(name)} columns named {name!r}; rename all but one")
    return separator, head, body


def _head(path: Path, found: str, separator: str, skip: int) -> list[str]:
    """The names in the first row, up to the last; none where it cannot be read, which is told with the whole file."""
    try:
        _, cells = next(itertools.islice(rows(path, found, separator), skip, None), (1, []))
    except ValueError:
        return []
    head = [plain(cell) for cell in cells]
    return head[: max((i for i, name in enumerate(head, 1) if name), default=0)]


def _elsewhere(path: Path, found: str, names: list[str]) -> str:
    """What to do when the names are not in the first row."""
    for separator in SEPARATORS:
        with contextlib.suppress(ValueError):
            for line, cells in rows(path, found, separator):
                if {*names} <= {plain(cell) for cell in cells}:
                    return f"line {line} has it; delete the lines above it"
    return "names belong in the first row, separated by commas, semicolons or tabs"


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


def _cell(path: Path, row: Row, i: int, name: str) -> float:
    line, cells = row
    number = cells[i].strip()
    if not NUMBER.fullmatch(number) or isinf(float(number)):
        where = f"{path}, line {line + _breaks(cells[:i])}, column {name!r}"
        raise ValueError(f"{where}: {_short(repr(cells[i]))} is not a number{_cure(number)}")
    return float(number)


def _cure(cell: str) -> str:
    """What to do about a text where a number should be."""
    if NUMBER.fullmatch(cell.strip()):
        return ": too large for a float" if isinf(float(cell)) else ": it is text; float(...) makes a number of it"
    shape = unicodedata.normalize("NFKC", cell).strip()[:80]
    return next((f": {cure}" for known, cure in CURES.items() if re.fullmatch(known, shape, re.IGNORECASE)), "")


def _breaks(cells: list[str]) -> int:
    return len(BREAK.findall("|".join(cells)))


def _array(refusal: str, values: Any) -> np.ndarray:
    """(n,), of the dtype in which it is held; a list as objects, so that no True becomes 1."""
    try:
        if isinstance(values, Tensor):
            small = values.is_floating_point() and values.element_size() < 4  # NumPy has no bfloat16
            array = (values.float() if small else values).numpy(force=True)
        elif hasattr(values, "__array__") and not np.ma.is_masked(values):
            array = np.asarray(values)
        else:  # of a masked array, tolist() makes None where there is no value
            items = values.tolist() if np.ma.is_masked(values) else values
            bare = [_bare(item) for item in items] if isinstance(items, list | tuple) else items
            array = np.array(bare, dtype=object)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{refusal}, got {_short(repr(values))}") from None
    if array.ndim == 0:
        cure = next((cure for kind, cure in CONTAINERS if isinstance(values, kind)), "")
        raise TypeError(f"{refusal}: shape (n,), got shape (): {_short(repr(values))}{cure}")
    if array.ndim > 1 and array.shape[1:] != (1,):
        cure = "choose one column, such as x[:, 0], or x['size'] of a frame"
        raise ValueError(f"{refusal}: shape (n,), got shape {array.shape}; {cure}")
    return array.reshape(len(array))


def _bare(item: Any) -> Any:
    """The number within a tensor or an array without axes."""
    if isinstance(item, Tensor):
        return item.tolist()
    return item[()] if isinstance(item, np.ndarray) else item


def _number(name: str, position: int, value: Any) -> float:
    if isinstance(value, float | int | Real | Decimal) and not isinstance(value, bool | np.timedelta64):
        try:
            return float(value)
        except OverflowError:
            return inf
    given = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    shown = _short(repr(given) if isinstance(value, str | bytes) else given)
    cure = _cure(given) if isinstance(value, str | bytes) or not isinstance(value, Sized) else ""
    raise TypeError(f"{name} must be numbers, one for each example, got {shown} at position {position}{cure}")


def _constant(numbers: np.ndarray, held: np.dtype) -> bool:
    """Whether the values differ by rounding alone: floats by a few units in the last place, whole numbers never."""
    least, most = float(numbers.min()), float(numbers.max())
    eps = float(np.finfo(held if held.kind == "f" else np.float64).eps)
    largest = max(-least, most)
    exact = held.kind in "iu" or (largest <= 2 / eps and bool((numbers == numbers.round()).all()))
    return most - least <= (0 if exact else 4 * eps * largest)


def _short(shown: str, length: int = 60) -> str:
    """On one line, and not for long."""
    line = " ".join(shown.split())
    return line if len(line) <= length else line[: length - 3] + "..."
