"""Where a network stands: at the weights that are trained, at those to evaluate, or at the probe of a rule."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from gdviz.doors.calls import called, probed, said
from gdviz.hyperparameters import hyperparameters
from gdviz.optimizers.rule import is_for_matrices

TRAINED = "trained"  # in a state_dict: where the training goes on, of a network that stands at the weights to evaluate


class Standing(torch.optim.Optimizer):
    """What TorchOptimizer does for rules with a second point: a `probe`, or an `answer`; see Rule."""

    rules: list[Any]  # one for each group
    steps: int
    _trained: list[Tensor] | None = None  # in eval mode: the parameters that train() puts back

    @torch.no_grad()
    def eval(self) -> None:
        """Put the weights to evaluate and to keep, the rule's `answer`, into the network; train() comes before a step.

        Nothing happens for a rule without `answer`, whose weights are those that are trained. The running means of
        batch normalisation stay those of the training.
        """
        if not any(hasattr(rule, "answer") for rule in self.rules):
            return
        params = [p for group in self.param_groups for p in group["params"]]
        trained = [p.detach().clone() for p in params] if self._trained is None else self._trained
        known = dict(zip(params, trained))
        moves = [move for pair in zip(self.rules, self.param_groups) for move in self._answers(*pair, known)]
        self._trained = trained
        _put(moves)

    @torch.no_grad()
    def train(self) -> None:
        """Put the weights that are trained back into the network, bit by bit; nothing happens where they are there."""
        if self._trained is not None:
            params = (p for group in self.param_groups for p in group["params"])
            _put(zip(params, self._trained))
            self._trained = None

    def _refuse_step(self, closure: Any) -> None:
        """Refused: a step from the weights to evaluate, and one without the second gradient that its rule takes."""
        if self._trained is not None:
            name = next(type(rule).__name__ for rule in self.rules if hasattr(rule, "answer"))
            here = "the network stands at the weights to evaluate, where eval() has put them"
            raise RuntimeError(f"{here}, and {name} steps from those that are trained: call optimizer.train() first")
        if closure is None and (looks := [rule for rule in self.rules if hasattr(rule, "probe")]):
            name = type(looks[0]).__name__
            what = "closure() calls optimizer.zero_grad(), computes the loss, calls backward() on it and returns it"
            raise ValueError(f"{name} takes a second gradient: write optimizer.step(closure), where {what}")

    def _look_from_the_probe(self, rules: list[Any], closure: Callable[[], Any]) -> None:
        """Leave in p.grad the gradient at the probe, of rules that have one; each parameter stays where it was."""
        groups = [group["params"] for group in self.param_groups]
        looks = ((rule, params) for rule, params in zip(rules, groups) if hasattr(rule, "probe"))
        moves = [move for rule, params in looks for move in self._probes(rule, params)]
        before = [(p, p.detach().clone()) for p, _ in moves]
        moved = {id(p) for p, _ in moves}
        others = [(p, p.grad) for p in chain(*groups) if id(p) not in moved]
        try:
            _put(moves)
            self.zero_grad()
            closed(closure)
        finally:
            _put(before)
            for p, grad in others:  # of rules without a probe
                p.grad = grad

    def _probes(self, rule: Any, params: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """The parameters of a group, and where the second gradient is taken."""
        for part in _seen_at_once(rule, [p for p in params if p.grad is not None]):
            grads = [p.grad.to_dense() for p in part if p.grad is not None]
            w, g = (_joined(rule, tensors) for tensors in (part, grads))
            yield from _split(probed(rule, w, g, f"at step {self.steps}"), part)

    def _answers(self, rule: Any, group: dict, known: dict[Tensor, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """The parameters of a group that have moved, and their weights to evaluate; known: those that are trained."""
        if not hasattr(rule, "answer"):
            return
        rule = with_group(rule, group)
        for part in _seen_at_once(rule, group["params"]):
            if kept := self.state.get(part[0]):
                w = _joined(rule, [known[p] for p in part])
                where = f"with params of shape {tuple(w.shape)}"
                yield from _split(called("answer", where, rule.answer, w, self._unpacked(rule, kept)), part)

    def _unpacked(self, rule: Any, kept: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _trained_of(self, state_dict: dict) -> list[Tensor] | None:
        """The weights that are trained, of a state that was taken in eval mode; refused where they do not fit."""
        kept, params = state_dict.get(TRAINED), [p for group in self.param_groups for p in group["params"]]
        if kept is None:
            return None
        if not isinstance(kept, list) or [getattr(w, "shape", None) for w in kept] != [p.shape for p in params]:
            raise ValueError("this is the state of other parameters: the weights that were trained do not fit")
        return [w.detach().to(p.device, p.dtype, copy=True) for w, p in zip(kept, params)]


def as_seen(rule: Any, params: Tensor) -> Tensor:
    """A parameter as its rule sees it: a vector is a matrix of one row to a rule for matrices."""
    return params.reshape(1, -1) if is_for_matrices(rule) and params.ndim < 2 else params


def with_group(rule: Any, group: dict) -> Any:
    """The rule with the hyperparameters of a parameter group."""
    names = hyperparameters(rule)
    return replace(rule, **{name: group[name] for name in names}) if names else rule


def closed(closure: Callable[[], Any] | None) -> Any:
    """What a closure returns, called with gradients; a RuntimeError of torch gets its cure."""
    with torch.enable_grad():
        try:
            return closure() if closure else None
        except RuntimeError as error:
            raise RuntimeError(said(error)) from error


@contextmanager
def answering(optimizer: Any) -> Iterator[None]:
    """The network at the weights to evaluate, of an optimizer that has others; afterwards at those that are trained."""
    turned(optimizer, "eval")
    try:
        yield
    finally:
        turned(optimizer, "train")


def turned(optimizer: Any, mode: str) -> None:
    """Call optimizer.train() or optimizer.eval(), where it has both; those of torch.optim have none."""
    if callable(getattr(optimizer, "eval", None)) and callable(getattr(optimizer, "train", None)):
        getattr(optimizer, mode)()


def _put(moves: Any) -> None:
    for p, values in moves:
        p.copy_(values)


def _seen_at_once(rule: Any, params: list[Tensor]) -> list[list[Tensor]]:
    """Each parameter alone; or all of them, for a rule that mixes the coordinates."""
    if getattr(rule, "elementwise", True):
        return [[p] for p in params]
    return [params] if params else []


def _joined(rule: Any, tensors: list[Tensor]) -> Tensor:
    """A copy of what a rule sees at once, as one tensor."""
    if getattr(rule, "elementwise", True):
        return tensors[0].detach().clone()
    return torch.cat([t.detach().reshape(-1) for t in tensors])


def _split(values: Tensor, params: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Each parameter with its share of the values."""
    shares = values.reshape(-1).split([p.numel() for p in params])
    yield from ((p, share.view_as(p)) for p, share in zip(params, shares))
