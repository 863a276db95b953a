"""A history from a log of one's own: a CSV, or the event files of TensorBoard."""

import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from gdviz.clinic.evidence import check_shares
from gdviz.hyperparameters import short
from gdviz.networks.history import Epoch, History, Step
from gdviz.tables import files
from gdviz.tables.cells import NUMBER, cure_of

KNOWN = {  # column -> what it may be called
    "step": ("step", "global_step", "iteration", "epoch"),
    "loss": ("loss", "train_loss", "train/loss", "loss/train", "train_loss_step", "train_loss_epoch"),
    "accuracy": ("accuracy", "train_accuracy", "train/accuracy", "acc", "train_acc", "train/acc"),
    "lr": ("lr", "learning_rate", "train/lr", "train/learning_rate"),
    "validation_loss": ("validation_loss", "val_loss", "valid_loss", "eval_loss", "val/loss", "eval/loss", "loss/val"),
    "validation_accuracy": (
        *("validation_accuracy", "val_accuracy", "valid_accuracy", "eval_accuracy", "val/accuracy", "val_acc"),
        *("val/acc", "eval/accuracy"),
    ),
}


def read_log(path: str | Path, *, classes: int | None = None, **names: str) -> History:
    """The history in a CSV with a row for each step: at least its loss; also step, accuracy, rate and validation.

    Rows may stand in any order if there is a column of steps. An empty cell is a gap: a validation is seldom there in
    each row. A row without a loss only holds its validation.

    Args:
        path: a file with the names of the columns in its first row.
        classes: how many there are, if the targets are classes of about equal size.
        names: what a column is called there, such as loss="my loss"; else usual names are looked for.

    Returns:
        A History without vitals; its epochs are the rows with a validation.

    Raises:
        ValueError: no column of losses, a cell that is no number, or what from_columns refuses.
        TypeError: a name for what there is not.

    Example:
        >>> from pathlib import Path
        >>> rows = ["step,loss,val_loss", "1,0.5,", "0,0.7,", "2,0.4,0.6"]
        >>> _ = Path("log.csv").write_text(chr(10).join(rows))
        >>> read_log("log.csv").losses, read_log("log.csv").validation_losses
        ([0.7, 0.5, 0.4], [0.6])
    """
    spare = set(names) - set(KNOWN)
    if spare:
        raise TypeError(f"a log has {', '.join(KNOWN)}; there is no {', '.join(sorted(spare))}")
    file, text = files.text(path)
    names = {what: files.plain(name) for what, name in names.items()}
    separator, head, body = files.table(file, text, list(names.values()))
    lower = {name.lower(): name for name in reversed(head)}  # TensorBoard and others write Step
    called = {
        what: names.get(what) or next((lower[n] for n in usual if n in lower), "") for what, usual in KNOWN.items()
    }
    for what, name in names.items():
        if name not in head:
            raise ValueError(f"{file} has no column {name!r} for {what}; it has {', '.join(head)}")
    if not called["loss"]:
        below = files.line_with(file, text, lambda head: any(name.lower() in KNOWN["loss"] for name in head))
        cure = f"line {below} has one: delete the lines above it" if below else "say which it is: loss=..."
        raise ValueError(
            f"{file} has no column of losses ({', '.join(KNOWN['loss'])}); it has {', '.join(head)}; {cure}"
        )
    table = _columns(file, separator, head, body)
    if called["step"].lower() == "epoch" and len({*(cells := table[called["step"]]())}) < len(cells):
        called["step"] = ""  # several rows of each epoch
    fastai = called["validation_loss"] == "valid_loss" and called["accuracy"] == "accuracy"
    if fastai and not called["validation_accuracy"] and "accuracy" not in names:
        called |= {"accuracy": "", "validation_accuracy": "accuracy"}  # so fastai calls what it validates
    return from_columns({what: table[name]() for what, name in called.items() if name}, classes=classes)


def from_columns(values: Mapping[str, Any], *, classes: int | None = None) -> History:
    """The history in equally long columns: loss, and any of step, accuracy, lr, validation_loss, validation_accuracy.

    Args:
        values: lists, arrays, columns of pandas or a whole frame. None is a gap, and so is what pandas calls missing,
            and NaN, except in the losses of rows without a validation.
        classes: as for read_log.

    Returns:
        The History. A rate that is missing is the last one that was there, and 0 before the first.

    Raises:
        ValueError: lists of different lengths, no loss, other names, a step twice with different losses, an accuracy
            that is no share, a negative rate, fewer than two classes.
        TypeError: what holds no columns, or a column of something else than numbers.

    Example:
        >>> from_columns({"loss": [0.7, 0.5], "lr": [0.1, 0.1]}).lrs
        [0.1, 0.1]
    """
    if not hasattr(values, "items"):
        raise TypeError(f"a log has columns by name, such as {{'loss': [0.7, 0.5]}}; got {short(repr(values), 60)}")
    if classes is not None and (not isinstance(classes, int) or classes < 2):
        raise ValueError(f"classes must be a whole number, 2 or more, got {classes!r}")
    values = {str(name): _plain(str(name), column) for name, column in values.items()}
    lengths = {name: len(column) for name, column in values.items()}
    if "loss" not in values or set(values) - set(KNOWN):
        raise ValueError(f"a log has a loss, and may have {', '.join(KNOWN)}; got {', '.join(values)}")
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the curves must be of one length, with None where there is a gap; got {lengths}")
    rows = [_cleaned(dict(zip(values, row))) for row in zip(*values.values())]
    if "step" in values:
        rows = _sorted(rows)
    history = History(classes=(1 / classes,) * classes if classes else ())
    lr = 0.0
    numbers: list[Any] = [row.get("step") for row in rows]
    whole = all(number is not None and math.isfinite(number) and number == int(number) for number in numbers)
    for row, number in zip(rows, numbers):
        loss = row["loss"]
        lr = lr if row.get("lr") is None else row["lr"]
        if loss is not None:
            history.steps.append(Step(loss, row.get("accuracy"), lr, number=int(number) if whole else None))
        seen = row.get("validation_loss")
        right = row.get("validation_accuracy")
        if (seen is not None or right is not None) and history.steps:
            begin = history.epochs[-1].end if history.epochs else 0
            since = history.steps[begin:] or history.steps[-1:]
            hits = [step.accuracy for step in since if step.accuracy is not None]
            mean = sum(step.loss for step in since) / len(since)
            share = sum(hits) / len(hits) if hits else None
            history.epochs.append(Epoch(len(history.steps), mean, share, seen, right))
    if not history.steps:
        raise ValueError(f"the log has no loss in any of its {len(rows)} rows")
    return history


def _plain(name: str, column: Any) -> list[float | None]:
    """A column as numbers, with None for what pandas calls missing."""
    if hasattr(column, "isna"):
        column = column.astype(object).where(column.notna(), None) if hasattr(column, "where") else list(column)
    try:
        found = [None if value is None or str(value) == "<NA>" else value for value in column]
    except TypeError:
        raise TypeError(f"{name} must be a list with a number for each row, got {short(repr(column), 60)}") from None
    return [None if value is None else _number(f"{name} in row {row}", value) for row, value in enumerate(found)]


def _number(where: str, value: Any) -> float:
    try:
        if not isinstance(value, bool | str):
            return float(value)
    except (TypeError, ValueError, RuntimeError):
        pass
    raise TypeError(f"{where} (the first is 0) must be a number, got {short(repr(value), 60)}")


def read_events(folder: str | Path, *, classes: int | None = None, **names: str) -> History:
    """The history in the event files of TensorBoard. It needs tensorboard, which gdviz does not install.

    Args:
        folder: where SummaryWriter has written.
        classes: as for read_log.
        names: what a scalar is called there, such as loss="Loss/train"; else usual names are looked for.

    Returns:
        The History.

    Raises:
        FileNotFoundError: there is no such folder.
        ImportError: tensorboard is not installed.
        ValueError: there is no loss, or what from_columns refuses.

    Example:
        >>> read_events("runs/monday")  # doctest: +SKIP
        200 steps, 10 epochs; loss 2.3 to 0.1; validation loss 2.2 to 0.2.
    """
    if not Path(folder).exists():
        raise FileNotFoundError(f"there is no {folder}; give the folder that SummaryWriter has written")
    try:
        events = import_module("tensorboard.backend.event_processing.event_accumulator")
    except ImportError:
        cure = "pip install tensorboard, or save the scalars as CSV there and use read_log"
        raise ImportError(f"read_events needs the package tensorboard: {cure}") from None
    events: Any = events.EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    found = events.Tags()["scalars"]
    called = {
        what: names.get(what) or next((n for n in found if n.lower() in usual), "") for what, usual in KNOWN.items()
    }
    if called["loss"] not in found:
        raise ValueError(f"{folder} has no scalar of losses; it has {', '.join(found) or 'none'}; say loss=...")
    rows: dict[int, dict[str, float]] = {}
    for what, name in called.items():
        for event in events.Scalars(name) if name in found and what != "step" else ():
            old = rows.setdefault(event.step, {}).setdefault(what, event.value)
            _same(event.step, what, old, event.value)
    kept = [what for what in KNOWN if what != "step" and called[what] in found]
    lists = {what: [row.get(what) for _, row in sorted(rows.items())] for what in kept}
    return from_columns({"step": [float(step) for step in sorted(rows)], **lists}, classes=classes)


def _cleaned(row: dict[str, Any]) -> dict[str, Any]:
    """A row with None for what is not there, which pandas writes as NaN; what cannot be is refused."""
    gap = {name for name, value in row.items() if value is not None and math.isnan(value)}
    looks = {"validation_loss", "validation_accuracy"} - gap
    if "loss" in gap and all(row.get(name) is None for name in looks):
        gap.remove("loss")  # a loss may be NaN, and that is what one wants to know
    row = {name: None if name in gap else value for name, value in row.items()}
    check_shares(row.get("accuracy"), row.get("validation_accuracy"))
    if (row.get("lr") or 0.0) < 0:
        raise ValueError(f"a learning rate is 0 or more; got {row['lr']:g}")
    return row


def _columns(path: Path, separator: str, head: list[str], body: list[files.Row]) -> dict[str, Callable[[], list]]:
    """The columns of a log by their names, read when called: of a column that nobody asks for any cell will do.

    An empty cell is a gap, and nan or inf are losses that a log may hold.
    """
    if not body:
        raise ValueError(f"{path} is empty; a log needs a row of column names and a row for each step")
    read: dict[str, list[tuple[str, str]]] = {name: [] for name in head}
    for line, cells in body:
        cells = _trimmed(cells, len(head))
        for part in (part for cell in cells for part in cell.splitlines()[1:]):
            if part.count(separator) + 1 == len(head):
                raise ValueError(
                    f"{path}: a quotation mark in line {line} or after it is not closed; it takes in {part!r}"
                )
        if len(cells) > len(head):
            raise ValueError(f"{path}, line {line} has {len(cells)} cells for {len(head)} names; a decimal comma?")
        for name, cell in zip(head, [*cells, *[""] * (len(head) - len(cells))]):
            read[name].append((f"{path}, line {line}, column {name!r}", cell.strip()))
    return {name: partial(_numbers, path, name, head.count(name), cells) for name, cells in read.items()}


def _numbers(path: Path, name: str, columns: int, cells: list[tuple[str, str]]) -> list[float | None]:
    """A column's numbers. Refused: a name that several columns have."""
    if columns > 1:
        raise ValueError(f"{path} has {columns} columns named {name!r}; rename all but one")
    return [_cell(*cell) for cell in cells]


def _trimmed(cells: list[str], least: int = 1) -> list[str]:
    """The cells of a row without empty ones at its end, beyond this many."""
    many = max((k + 1 for k, cell in enumerate(cells) if cell.strip()), default=0)
    return cells[: max(many, least)]


def _cell(where: str, cell: str) -> float | None:
    cell = files.plain(cell)
    if not cell or cell.lower() in ("none", "null", "na", "n/a"):
        return None
    if NUMBER.fullmatch(cell) or re.fullmatch(r"[+-]?(nan|inf|infinity)", cell, re.IGNORECASE):
        return float(cell)
    raise ValueError(f"{where}: {short(repr(cell), 60)} is not a number{cure_of(cell)}")


def _same(step: float, name: str, old: float | None, new: float | None) -> None:
    if None not in (old, new) and old != new and not any(map(math.isnan, (old or 0.0, new or 0.0))):
        raise ValueError(f"step {step:g} is there twice, with {name} {old:g} and {new:g}; keep one run")


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows by their step; those of one step are joined."""
    joined: dict[float, dict[str, Any]] = {}
    for row in rows:
        step = row["step"]
        if step is None:
            raise ValueError(f"each row needs its step, where there is a column of them; got {short(repr(row), 80)}")
        old = joined.setdefault(step, row)
        for name, value in row.items():
            _same(step, name, old.get(name), value)
            kept = joined[step].get(name)
            nothing = value is None or (kept is not None and math.isnan(value))
            joined[step] = {**joined[step], name: kept if nothing else value}
    return [joined[step] for step in sorted(joined)]
