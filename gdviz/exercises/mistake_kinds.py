"""A mistake in an update rule, and the kinds of it that several rules have."""

from typing import NamedTuple


class Mistake(NamedTuple):
    """key: its name, no two alike for a rule. phrase completes "This is Adam ...".

    changes: parts of the source of `init` and `update`, old -> new. They are text, because what is wrong is a piece of
    the formula: as functions, each of its rows would write out the rest of it again, and drift from it.
    """

    key: str
    phrase: str
    changes: dict[str, str]

    def of(self, name: str) -> str:
        """The sentence's end: "Adam with ...", or "Adam, but it ..."."""
        return f"{name}{', ' if self.phrase.startswith('but ') else ' '}{self.phrase}"


def step(old: str, whole: str = "") -> list[Mistake]:
    """What goes wrong with the step of any rule; old: how it begins, "params - self.lr"; whole: with its decay."""
    uphill, squared, whole = old.replace(" - ", " + "), old + " * self.lr", whole or old
    return [
        Mistake(
            "uphill",
            "with a plus where the minus belongs: a step goes against the gradient",
            {old + " *": uphill + " *"},
        ),
        Mistake(
            "no-rate", "without the learning rate, which multiplies the step", {old + " * ": old.replace("self.lr", "")}
        ),
        Mistake("rate-twice", "with the learning rate multiplied in twice", {old + " *": squared + " *"}),
        Mistake(
            "step-alone",
            "but it returns the step alone: the new place is params minus the step",
            {whole: whole[whole.rindex("- self.lr") :]},
        ),
    ]


def forgets(line: str, what: str) -> Mistake:
    """A state that is not returned; line: as in the source of update."""
    ones = "ones" if " and " in what else "one"
    cure = f"use the old {what}, and return the new {ones}"
    return Mistake("forgets", f"but each step starts afresh: {cure}", {line: "state"})


def begins(name: str, field: str) -> Mistake:
    """A state that begins at 1; field: as in the source of init."""
    right = f"{field}=torch.zeros_like(params)"
    return Mistake(
        "begins-at-one", f"with {name} that begins at 1; it begins at 0", {right: right.replace("zeros", "ones")}
    )


def root(name: str, mean: str = "v") -> list[Mistake]:
    """What goes wrong under the fraction line of a rule that divides by name.sqrt() + eps."""
    root = f"({name}.sqrt() + self.eps)"
    return [
        Mistake("no-root", f"without the root: divide by the root of {name}", {root: f"({name} + self.eps)"}),
        Mistake(
            "eps-inside", "with eps inside the root; here it is added outside", {root: f"({name} + self.eps).sqrt()"}
        ),
        Mistake(
            "no-eps",
            "without eps under the fraction line (or without its brackets): where the gradient is zero it is 0 / 0",
            {root: f"{name}.sqrt()"},
        ),
        Mistake(
            "half",
            f"with {name}**1/2, which Python reads as half of {name}: write {name}**0.5",
            {root: f"({name}**1/2 + self.eps)"},
        ),
    ]
