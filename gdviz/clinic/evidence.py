"""What a history holds, read off once: the numbers with which the rules argue."""

import math
import re
from bisect import bisect_left, insort
from dataclasses import dataclass
from statistics import median

from gdviz.networks.history import History
from gdviz.networks.vitals import Layer, Vitals

TOO_FEW = 20  # steps: with fewer, a curve is noise, and only what single steps measure can be judged
FALL = 0.1  # of the loss at the start: a smaller fall can be noise


def mean(values: list[float]) -> float:
    """Their mean."""
    return sum(values) / len(values)


def medians(values: list[float], half: int) -> list[float]:
    """Of each value the median of it and of half others on each side, as far as there are so many."""
    window, found = sorted(values[:half]), []
    for k in range(len(values)):
        if k + half < len(values):
            insort(window, values[k + half])
        if k > half:
            del window[bisect_left(window, values[k - half - 1])]
        found.append((window[(len(window) - 1) // 2] + window[len(window) // 2]) / 2)
    return found


def check_shares(*accuracies: float | None) -> None:
    """Refuse an accuracy that is no share, such as one in per cent."""
    wrong = [share for share in accuracies if share is not None and (share < 0 or share > 1 + 1e-6)]
    if wrong:
        raise ValueError(f"an accuracy is a share from 0 to 1; got {wrong[0]:g}: are these per cent? Divide by 100")


@dataclass(frozen=True)
class Look:
    """What was known around one look at the held-out examples: the training side over a few steps on both sides."""

    train_loss: float
    train_accuracy: float | None
    loss: float
    accuracy: float | None


class Evidence:
    """The numbers of a history that rules argue with; what was not recorded is None or empty."""

    def __init__(self, history: History):
        self.history = history
        check_shares(*history.accuracies, *history.epoch_accuracies, *history.validation_accuracies)
        losses = history.losses
        self.places = [k for k, loss in enumerate(losses) if math.isfinite(loss)]
        self.losses = [losses[k] for k in self.places]
        self.steps = len(self.losses)
        ended = bool(losses) and not math.isfinite(losses[-1])
        self.spoilt = ended or bool(re.match(r"The loss is -?(nan|inf)\b", history.stopped))
        window = max(3, self.steps // 20)
        self.start = mean(self.losses[:3]) if self.losses else math.nan
        self.end = mean(self.losses[-window:]) if self.losses else math.nan
        self.tail = self.losses[-window:]
        self.smooth = medians(self.losses, max(2, self.steps // 40))
        self.low = min(range(self.steps), key=self.smooth.__getitem__) if self.losses else 0
        self.signed = any(loss < -1e-6 for loss in self.losses)  # then no share of the start says how far it has come
        shares = [share for share in history.classes if share > 0]
        self.guess = -sum(share * math.log(share) for share in shares) or None  # the loss of guessing by the shares
        self.most = max(shares, default=None)
        self.lrs = history.lrs if any(history.lrs) and all(map(math.isfinite, history.lrs)) else []
        self.vitals = [vitals for vitals in history.vitals if vitals.layers]
        self.looks = self._looks()

    def _looks(self) -> list[Look]:
        found, last = [], 0
        for epoch in self.history.epochs:
            side, last = max(1, min(5, (epoch.end - last) // 2)), epoch.end  # not as far as the look before
            near = self.history.steps[max(0, epoch.end - side) : epoch.end + side]
            around = [step for step in near if math.isfinite(step.loss)]
            if epoch.validation_loss is None or not math.isfinite(epoch.validation_loss) or not around:
                continue
            hits = [step.accuracy for step in around if step.accuracy is not None]
            loss = mean([step.loss for step in around])
            found.append(Look(loss, mean(hits) if hits else None, epoch.validation_loss, epoch.validation_accuracy))
        return found

    @property
    def fell(self) -> float:
        """By which share of its start the loss has fallen."""
        return 1 - self.end / self.start if self.start else 0.0

    @property
    def climbs(self) -> bool:
        """Whether the loss had fallen, and each of the last losses has lost more than half of that again."""
        if not self.losses or self.signed:
            return False
        won = self.start - self.smooth[self.low]
        return won > FALL * self.start and min(self.tail) - self.smooth[self.low] > won / 2

    def number(self, k: int) -> int:
        """Of the step at this place in the history: as its log counts it."""
        logged = self.history.steps[k].number if k < len(self.history.steps) else None
        return k if logged is None else logged

    def counted(self, k: int) -> int:
        """Of the step of this finite loss: as its log counts it."""
        return self.number(self.places[k])

    @property
    def length(self) -> int:
        """How many steps the training made, of which a log may hold a few."""
        many = len(self.history.steps)
        return max(many, self.number(many - 1) - self.number(0) + 1) if many else 0

    def matrices(self, vitals: Vitals) -> list[Layer]:
        """The layers with two axes; where there are none, all."""
        return [layer for layer in vitals.layers if layer.matrix] or list(vitals.layers)

    def largest(self, vitals: Vitals) -> Layer:
        """The layer with the largest ratio of update to weight; one that begins at 0 has no ratio yet."""
        begun = [layer for layer in self.matrices(vitals) if layer.weight] or self.matrices(vitals)
        return max(begun, key=lambda layer: layer.ratio if math.isfinite(layer.ratio) else -1)

    def ratio(self) -> float:
        """The median over the recorded steps of the largest ratio of update to weight."""
        return median(self.largest(vitals).ratio for vitals in self.vitals)
