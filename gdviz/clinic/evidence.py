"""What a history holds, read off once: the numbers with which the rules argue."""

import math
from dataclasses import dataclass
from statistics import median

from gdviz.networks.history import History
from gdviz.networks.vitals import Layer, Vitals

TOO_FEW = 20  # steps: with fewer, a curve is noise, and only what single steps measure can be judged


def mean(values: list[float]) -> float:
    """Their mean."""
    return sum(values) / len(values)


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
        self.losses = [loss for loss in history.losses if math.isfinite(loss)]
        self.steps = len(self.losses)
        self.spoilt = self.steps < len(history.losses) or "nan" in history.stopped or "inf" in history.stopped
        window = max(3, self.steps // 20)
        self.start = mean(self.losses[:3]) if self.losses else math.nan
        self.end = mean(self.losses[-window:]) if self.losses else math.nan
        self.smooth = [mean(self.losses[max(0, k - 4) : k + 1]) for k in range(self.steps)]
        shares = [share for share in history.classes if share > 0]
        self.guess = -sum(share * math.log(share) for share in shares) or None  # the loss of guessing by the shares
        self.most = max(shares, default=None)
        self.lrs = history.lrs if any(history.lrs) else []
        self.vitals = [vitals for vitals in history.vitals if vitals.layers]
        self.looks = self._looks()

    def _looks(self) -> list[Look]:
        found, side = [], 5
        for epoch in self.history.epochs:
            around = self.history.steps[max(0, epoch.end - side) : epoch.end + side]
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

    def matrices(self, vitals: Vitals) -> list[Layer]:
        """The layers with two axes; where there are none, all."""
        return [layer for layer in vitals.layers if layer.matrix] or list(vitals.layers)

    def largest(self, vitals: Vitals) -> Layer:
        """The layer with the largest ratio of update to weight."""
        return max(self.matrices(vitals), key=lambda layer: layer.ratio)

    def ratio(self) -> float:
        """The median over the recorded steps of the largest ratio of update to weight."""
        return median(self.largest(vitals).ratio for vitals in self.vitals)
