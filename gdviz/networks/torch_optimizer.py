"""Any rule on any network: `TorchOptimizer(model.parameters(), rule)` instead of a torch.optim optimizer."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from gdviz.doors.calls import called, updated
from gdviz.hyperparameters import checked, hyperparameters
from gdviz.networks.parameters import no_float, no_matrix, refuse_twice
from gdviz.networks.standing import TRAINED, Standing, as_seen, closed, with_group
from gdviz.optimizers import Rule

SCHEDULED = {"initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum", "swa_lr"}  # left by torch's schedulers
GROUP_KEYS = {"params", "name", "param_names"} | SCHEDULED  # what a group may hold beside the rule's hyperparameters


class TorchOptimizer(Standing):
    """w, state <- rule.update(w, gradient of w, state) for each parameter w of a network, in place.

    The hyperparameters of a dataclass live in `param_groups` under their names, so torch's lr_schedulers work
    (OneCycleLR and CyclicLR: cycle_momentum=False for a rule without `momentum`). So do closures, step hooks,
    `add_param_group`, `state_dict`, `load_state_dict`, copies and pickles. A parameter without gradient stays as it is,
    with its state. A rule whose `elementwise` is False (LBFGS) takes the parameters of a group as one vector, missing
    gradients as 0. A rule with a probe (SAM) calls the closure of its step twice. For a rule with an answer
    (ScheduleFreeSGD) eval() puts the weights to evaluate into the network, and train() those that are trained.

    A rule for matrices, such as Muon, takes parameters with two axes; the others get a rule of their own, usually
    AdamW. A sparse gradient counts as the dense one that it stands for.

    Args:
        params: what model.parameters() gives, or parameter groups: dicts of "params" and of the rule's own fields, such
            as {"params": model.head.parameters(), "lr": 0.01}; or of "params" and another "rule". float32 or float64.
        rule: an optimizer of gdviz, or of your own; one value for each hyperparameter, since a network has no axis of
            runs.

    Raises:
        ValueError: no parameters, one that is there twice, a sweep, a field that the rule does not have, the state of
            another rule; and in each step, before anything moves, hyperparameters that a scheduler or a hand has put
            out of their range (a rate of 0 rests).
        TypeError: a class instead of a rule, or no rule at all.

    Example:
        >>> from gdviz.optimizers import Momentum
        >>> w = torch.nn.Parameter(torch.tensor([2.0]))
        >>> optimizer = TorchOptimizer([w], Momentum(lr=0.1))
        >>> w.square().sum().backward()
        >>> optimizer.step()
        >>> w.data
        tensor([1.6000])

    Reference: torch.optim.Optimizer, whose contract this is.
    """

    def __init__(self, params: Iterable[Any], rule: Rule):
        self.rule = checked(rule)
        if isinstance(params, torch.nn.Module):
            raise TypeError(f"params must be parameters, got a {type(params).__name__}: write model.parameters()")
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            raise TypeError(f"params must be what model.parameters() gives, a list of tensors; got {params!r}")
        params = [params] if isinstance(params, dict) else list(params)
        if len(params) == 0:
            raise ValueError("params holds no parameters; give model.parameters() anew (reading it uses it up)")
        self._state_types: dict[type, type] = {}  # the NamedTuple of a rule, known from its first step on
        self._known: dict[tuple, Rule] = {}  # a rule with the numbers of a group, as in the last steps
        self.steps = 0  # how many were made
        self.rules: list[Rule] = []  # one for each group
        super().__init__(params, _numbers(self.rule))

    def add_param_group(self, param_group: dict) -> None:
        """One more group of parameters.

        Args:
            param_group: a dict of "params" and, where they differ, of the rule's fields, or of a "rule" of its own.

        Raises:
            ValueError: as for the parameters of TorchOptimizer.
        """
        if not isinstance(param_group, dict) or "params" not in param_group:
            fields = "".join(f", {name}" for name in self.defaults)
            raise TypeError(f"a parameter group is a dict with params, name, rule{fields}; got {param_group!r}")
        rule = checked(param_group["rule"]) if "rule" in param_group else self.rule
        group, usual = {name: value for name, value in param_group.items() if name != "rule"}, _numbers(rule)
        if unknown := set(group) - set(usual) - GROUP_KEYS:
            fields = "".join(f", {name}" for name in usual)
            raise ValueError(f"a parameter group here has params, name, rule{fields}; got {_listed(unknown)}")
        given = group["params"]
        given = [given] if isinstance(given, Tensor) else list(given)
        if not given:
            raise ValueError("a parameter group holds no parameters; give parameters() anew (reading it uses it up)")
        numbers = _numbers(checked(with_group(rule, usual | group)))
        there = [p for group in self.param_groups for p in group["params"]]
        refuse_twice([*there, *(p[1] if isinstance(p, tuple) else p for p in given)])
        super().add_param_group(group | numbers | {"params": given})
        added = self.param_groups[-1]
        if refusal := next((words for p in added["params"] if (words := no_float(p) or no_matrix(rule, p))), None):
            self.param_groups.pop()
            raise TypeError(refusal)
        for name in set(self.defaults) - set(numbers):  # fields of the first rule, which torch has filled in
            del added[name]
        self.rules.append(rule)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient.

        All hyperparameters are checked and all updates computed before the first parameter moves.

        Args:
            closure: called first, if given; it zeroes the gradients, computes the loss and calls backward(). A rule
                with a probe needs one and calls it again there: dropout draws anew, batch normalisation sees both.

        Returns:
            What the closure returned, at its first call.

        Raises:
            ValueError: a hyperparameter out of its range; a rule with a probe, and no closure.
            RuntimeError: after eval(), without train().
        """
        self._refuse_step(closure)
        loss = closed(closure)
        rules = [self._rule_of(*pair) for pair in zip(self.rules, self.param_groups)]
        if closure and any(hasattr(rule, "probe") for rule in self.rules):
            self._look_from_the_probe(rules, closure)
        moves = [self._moves(rule, group["params"]) for rule, group in zip(rules, self.param_groups)]
        for p, moved, state in chain(*moves):
            p.copy_(moved)
            if state is not None:
                self.state[p] = state
        self.steps += 1
        return loss

    def state_dict(self) -> dict:
        """What torch's own holds, the name of the rule, and how many steps were made.

        Returns:
            A dict, for torch.save; after eval() it also holds the weights that train() puts back.
        """
        return super().state_dict() | {"rule": self._names(), "steps": self.steps, TRAINED: self._trained}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on where `state_dict()` was taken: of the same rule, for the same parameters; all of it, or nothing.

        Args:
            state_dict: what it gave.

        Raises:
            ValueError: of another rule, or for other parameters.
        """
        self._refuse_other(state_dict)
        before, steps = (self.state, self.param_groups), state_dict.get("steps", 0)
        try:
            super().load_state_dict(state_dict)
            for rule, group in zip(self.rules, self.param_groups):
                self._fit_state(self._rule_of(rule, group), group["params"])
            trained = self._trained_of(state_dict)
        except Exception:
            self.state, self.param_groups = before
            raise
        self.steps, self._trained = steps, trained

    def __getstate__(self) -> dict:  # torch's own keeps only defaults, state and groups in copies and pickles
        names = ("rule", "rules", "steps", "_state_types", "_known", "_trained")
        return super().__getstate__() | {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, rule {self._names()})"

    def _names(self) -> str:
        """The rules, each by its name, once."""
        return ", ".join(dict.fromkeys(type(rule).__name__ for rule in self.rules))

    def _rule_of(self, rule: Rule, group: dict) -> Rule:
        """The rule with the numbers of a group, which are checked where they have changed since the last steps."""
        numbers = (id(rule), *(group[name] for name in hyperparameters(rule)))
        if not all(isinstance(number, int | float) for number in numbers):
            return self._checked(rule, group)
        if numbers not in self._known:
            self._known = dict([*self._known.items()][-8:]) | {numbers: self._checked(rule, group)}
        return self._known[numbers]

    def _checked(self, rule: Rule, group: dict) -> Rule:
        rule = checked(with_group(rule, group), where=f"at step {self.steps} (the first is 0); nothing has moved")
        return with_group(rule, _numbers(rule))

    def _moves(self, rule: Rule, params: list[Tensor]) -> list[tuple[Tensor, Tensor, dict | None]]:
        """Where each parameter of a group moves, and its new state."""
        if getattr(rule, "elementwise", True):
            return [(p, *self._moved(rule, p, p, p.grad)) for p in params if p.grad is not None]
        if all(p.grad is None for p in params):
            return []
        grads = [torch.zeros_like(p) if p.grad is None else p.grad.to_dense() for p in params]
        flat, flat_grads = (torch.cat([part.reshape(-1) for part in parts]) for parts in (params, grads))
        moved, state = self._moved(rule, params[0], flat, flat_grads)
        parts = moved.split([p.numel() for p in params])
        return [(p, part.view_as(p), state if p is params[0] else None) for p, part in zip(params, parts)]

    def _moved(self, rule: Rule, key: Tensor, params: Tensor, grads: Tensor) -> tuple[Tensor, dict]:
        """The new params and state, a plain dict that lies under the key: load_state_dict rebuilds no NamedTuple."""
        shape, seen = params.shape, as_seen(rule, params.detach())
        params, grads = seen.clone(), grads.to_dense().reshape(seen.shape).clone()  # what a rule keeps stays as it was
        where = f"with params of shape {tuple(params.shape)}"
        kept = self.state.get(key) or self._packed(rule, called("init", where, rule.init, params))
        moved, state = updated(rule, params, grads, self._unpacked(rule, kept), f"at step {self.steps}")
        return moved.view(shape), self._packed(rule, state)

    def _packed(self, rule: Rule, state: Any) -> dict[str, Any]:
        """The fields of a NamedTuple; anything else under the name state."""
        if not hasattr(state, "_asdict"):
            self._state_types.pop(type(rule), None)
            return {"state": state}
        self._state_types[type(rule)] = type(state)
        return state._asdict()

    def _unpacked(self, rule: Rule, kept: dict[str, Any]) -> Any:
        kind = self._state_types.get(type(rule))
        return kind(**kept) if kind else kept["state"]

    def _refuse_other(self, state_dict: Any) -> None:
        """Refused: what is not the state of a TorchOptimizer with this rule."""
        if not isinstance(state_dict, dict):
            raise TypeError(f"state_dict must be what state_dict() returned, a dict; got {type(state_dict).__name__}")
        groups, state, rule = state_dict.get("param_groups"), state_dict.get("state"), self._names()
        if not (isinstance(groups, list) and isinstance(state, dict)):
            given = ", ".join(map(repr, list(state_dict)[:4])) or "nothing"
            raise ValueError(f"the state of an optimizer has a dict 'state' and a list 'param_groups'; got {given}")
        if state_dict.get("rule") != rule:
            theirs = state_dict.get("rule") or "an optimizer that is not of gdviz"
            raise ValueError(f"this is the state of {theirs}, and the rule here is {rule}")
        if not isinstance(state_dict.get("steps", 0), int):
            raise ValueError(f"the steps of this state must be a whole number, got {state_dict['steps']!r}")
        for k, group in enumerate(groups):
            fields = hyperparameters(self.rules[min(k, len(self.rules) - 1)])  # torch refuses another number of groups
            if missing := {"params", *fields} - set(group if isinstance(group, dict) else ()):
                raise ValueError(f"a parameter group of this state has no {_listed(missing)}")
            if not isinstance(group["params"], list):
                raise ValueError(f"the params of a group of this state are no list, but {group['params']!r}")

    def _fit_state(self, rule: Rule, params: list[Tensor]) -> None:
        """Torch has loaded all in the parameter's type, but t is float64; refused: the state of other parameters."""
        whole = not getattr(rule, "elementwise", True)
        parts = [torch.cat([p.detach().reshape(-1) for p in params])] if whole else params
        for p, part in zip(params, parts):
            if kept := self.state.get(p):
                fresh = self._packed(rule, rule.init(as_seen(rule, part.detach())))
                if set(fresh) != set(kept) or any(_other_shape(kept[name], fresh[name], part) for name in fresh):
                    shape = tuple(part.shape)
                    raise ValueError(f"this is the state of other parameters: it does not fit one of shape {shape}")
                kept.update({name: old.to(fresh[name].dtype) for name, old in kept.items() if _both(old, fresh[name])})


def _numbers(rule: Rule) -> dict[str, float]:
    """The hyperparameters as plain numbers; refused where one is a sweep."""
    values = hyperparameters(rule)
    for name, value in values.items():
        if value.numel() > 1:
            raise ValueError(f"a network takes one {name}, got {value.numel()} of them; a sweep is for minimize")
    return {name: value.item() for name, value in values.items()}


def _both(value: Any, other: Any) -> bool:
    return isinstance(value, Tensor) and isinstance(other, Tensor)


def _other_shape(value: Any, fresh: Any, p: Tensor) -> bool:
    """Whether a part of a state that has the shape of the parameter has lost it."""
    return isinstance(fresh, Tensor) and fresh.shape == p.shape and getattr(value, "shape", None) != p.shape


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
