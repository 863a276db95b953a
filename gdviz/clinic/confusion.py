"""How often diagnose names the fault that was planted: training runs that it has not seen, counted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gdviz.clinic.diagnosis import diagnose
from gdviz.clinic.faults import FAULTS, trained
from gdviz.progress import watched

HEALTHY: tuple[dict[str, Any], ...] = ({}, {"adam": True}, {"norm": True}, {"adam": True, "rate": 0.1}, {"rate": 0.03})


@dataclass(frozen=True)
class Confusion:
    """What was planted against what was named.

    Attributes:
        named: for each training run, what was planted ("healthy" for nothing), and what diagnose named: "healthy",
            "unknown", or all its findings, the first first.

    Example:
        >>> two = Confusion((("dead units", ("rate too low", "dead units")), ("healthy", ("healthy",))))
        >>> two.first, two.first_two, two.healthy
        (0.0, 1.0, 1.0)
    """

    named: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def rows(self) -> list[str]:
        """What was planted, in the order of the checklist, "healthy" last."""
        return [name for name in (*FAULTS, "healthy") if any(planted == name for planted, _ in self.named)]

    @property
    def columns(self) -> list[str]:
        """What can be named first: the rows and "unknown"."""
        return [name for name in (*FAULTS, "healthy", "unknown") if name in self.rows or self._first(name)]

    @property
    def counts(self) -> list[list[int]]:
        """For each row, how often each column was named first."""
        return [
            [sum(p == row and n[0] == column for p, n in self.named) for column in self.columns] for row in self.rows
        ]

    @property
    def first(self) -> float:
        """The share of planted faults that were named first."""
        return self._share(1)

    @property
    def first_two(self) -> float:
        """The share of planted faults that were among the first two."""
        return self._share(2)

    @property
    def healthy(self) -> float:
        """The share of healthy runs that were called healthy."""
        called = [names[0] == "healthy" for planted, names in self.named if planted == "healthy"]
        return sum(called) / max(1, len(called))

    def _first(self, name: str) -> bool:
        return any(names[0] == name for _, names in self.named)

    def _share(self, many: int) -> float:
        hits = [planted in names[:many] for planted, names in self.named if planted != "healthy"]
        return sum(hits) / max(1, len(hits))

    def __repr__(self) -> str:
        rows = [["planted", "runs", "named first", "in the first two", "else named first"]]
        for row in self.rows:
            mine = [names for planted, names in self.named if planted == row]
            others = sorted({names[0] for names in mine} - {row})
            hits = [str(sum(row in names[:many] for names in mine)) for many in (1, 2)]
            rows.append([row, str(len(mine)), *hits, ", ".join(others)])
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        shares = f"first {self.first:.1%}, among the first two {self.first_two:.1%}, healthy {self.healthy:.1%}"
        return "\n".join([*lines, shares])


def confusion(
    *,
    data: Sequence[str] = ("digits",),
    widths: Sequence[int] = (32,),
    seeds: Sequence[int] = (100,),
    faults: Iterable[str] | None = None,
    healthy: Sequence[dict[str, Any]] = HEALTHY,
) -> Confusion:
    """Train with each fault, and healthy in each of five settings, on all data, widths and seeds; diagnose each.

    The thresholds of the rules were found on digits, wine and names with seeds below 100.

    Args:
        data: names of problems.
        widths: of the hidden layers.
        seeds: those from 100 on are new to the rules.
        faults: some of FAULTS; left out, all.
        healthy: settings of healthy runs, as `trained` takes them.

    Returns:
        The Confusion.

    Raises:
        ValueError: what trained refuses.

    Example:
        >>> confusion(data=["iris"], faults=["no backward pass"], healthy=[]).counts
        [[1]]
    """
    return Confusion(tuple(_named(list(data), list(widths), list(seeds), list(faults or FAULTS), list(healthy))))


def _named(
    data: list[str], widths: list[int], seeds: list[int], faults: list[str], healthy: list[dict[str, Any]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    planted = [(name, None) for name in faults] + [("healthy", setting) for setting in healthy]
    places = [(name, width, seed) for name in data for width in widths for seed in seeds]
    for (name, setting), (where, width, seed) in watched([(p, q) for q in places for p in planted], "confusion"):
        fault = name if setting is None else None
        given = (FAULTS[name].setting if name in FAULTS else {}) if setting is None else setting
        found = diagnose(trained(fault, data=where, width=width, seed=seed, **given))
        yield name, tuple(finding.name for finding in found.findings) or (found.name,)
