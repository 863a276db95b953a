"""Any rule on any network: `TorchOptimizer(model.parameters(), rule)` in the place of a torch.optim optimizer."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gdviz.hyperparameters import checked, hyperparameters
from gdviz.optimizers import Rule

GROUP_KEYS = {"params", "name", "initial_lr"}  # what a parameter group may hold beside the rule's hyperparameters


class TorchOptimizer(torch.optim.Optimizer):
    """w, state <- rule.update(w, gradient of w, state) for each parameter w of a network, in place.

    params: what model.parameters() gives, or parameter groups: dicts of "params" and of the rule's own fields, such as
    {"params": model.head.parameters(), "lr": 0.01}; float32 or float64.
    rule: an optimizer of gdviz, or of your own; one value for each hyperparameter, since a network has no axis of runs.
    The hyperparameters live in `param_groups` under the rule's names, so torch's lr_schedulers work (OneCycleLR and
    CyclicLR: cycle_momentum=False for a rule without `momentum`). So do closures, hooks, `add_param_group`,
    `state_dict`, `load_state_dict`, copies and pickles. A parameter without gradient stays as it is, with its state.
    A rule whose `elementwise` is False (LBFGS) takes the parameters of a group as one vector, missing gradients as 0.
    Refused: no parameters, a rule class, a sweep, a field that the rule does not have, a state of another rule.
    Reference: torch.optim.Optimizer, whose contract this is.
    """

    def __init__(self, params: Iterable[Any], rule: Rule):
        self.rule = checked(rule)
        if isinstance(params, torch.nn.Module):
            raise TypeError(f"params must be parameters, got a {type(params).__name__}: write model.parameters()")
        params = [params] if isinstance(params, dict) else params if isinstance(params, Tensor) else list(params)
        if len(params) == 0:
            raise ValueError("params holds no parameters; give model.parameters() anew (reading it uses it up)")
        fields = getattr(self.rule.init(torch.zeros(1)), "_fields", None)
        self._state_names = {"state"} if fields is None else set(fields)
        super().__init__(params, _numbers(self.rule))

    def add_param_group(self, param_group: dict) -> None:
        """One more group of parameters: a dict of "params" and, where they differ, of the rule's fields."""
        unknown = set(param_group) - set(self.defaults) - GROUP_KEYS
        if unknown:
            fields = _listed(self.defaults)
            raise ValueError(f"a parameter group here has params, name and {fields}; got {_listed(unknown)}")
        _with(self.rule, self.defaults | param_group, check=True)
        super().add_param_group(param_group)
        wrong = {str(p.dtype) for p in self.param_groups[-1]["params"]} - {"torch.float32", "torch.float64"}
        if wrong:
            self.param_groups.pop()
            raise TypeError(f"parameters must be float32 or float64, got {_listed(wrong)}; model.float() makes them so")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient, after the closure, if given; returns what it returned."""
        with torch.enable_grad():
            loss = closure() if closure else None
        for group in self.param_groups:
            rule, params = _with(self.rule, group), [p for p in group["params"] if p.grad is not None]
            if getattr(rule, "elementwise", True):
                for p in params:
                    p.copy_(self._moved(rule, p, p, p.grad))
            elif params:
                self._step_as_one_vector(rule, group["params"])
        return loss

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on where `state_dict()` was taken: of the same rule, for the same parameters."""
        name = type(self.rule).__name__
        for group in state_dict["param_groups"]:
            if set(self.defaults) - set(group):
                lacks = _listed(set(self.defaults) - set(group))
                raise ValueError(f"this state is not one of {name}: its groups lack {lacks}")
        for state in state_dict["state"].values():
            if state and set(state) != self._state_names:
                kept = _listed(self._state_names) or "nothing"
                raise ValueError(f"this state is not one of {name}, which keeps {kept}: it holds {_listed(state)}")
        super().load_state_dict(state_dict)

    def __getstate__(self) -> dict:  # torch's own keeps only defaults, state and groups in copies and pickles
        return super().__getstate__() | {"rule": self.rule, "_state_names": self._state_names}

    def _step_as_one_vector(self, rule: Rule, params: list[Tensor]) -> None:
        grads = [torch.zeros_like(p) if p.grad is None else p.grad.to_dense() for p in params]
        flat, flat_grads = (torch.cat([part.reshape(-1) for part in parts]) for parts in (params, grads))
        moved = self._moved(rule, params[0], flat, flat_grads)
        for p, part in zip(params, moved.split([p.numel() for p in params])):
            p.copy_(part.view_as(p))

    def _moved(self, rule: Rule, key: Tensor, params: Tensor, grads: Tensor) -> Tensor:
        """The new params. The state lies under the key as a plain dict, for load_state_dict rebuilds no NamedTuple."""
        params, grads = params.detach().clone(), grads.to_dense().clone()  # what a rule keeps stays as it was
        state, kept = rule.init(params), self.state[key]
        if kept:
            state = state._replace(**kept) if hasattr(state, "_replace") else kept["state"]
        moved, state = rule.update(params, grads, state)
        if moved.shape != params.shape:
            raise ValueError(f"update must keep the shape of params {tuple(params.shape)}, got {tuple(moved.shape)}")
        kept.update(state._asdict() if hasattr(state, "_asdict") else {"state": state})
        return moved


def _numbers(rule: Rule) -> dict[str, float]:
    """The hyperparameters as plain numbers; refused where one is a sweep."""
    values = hyperparameters(rule)
    for name, value in values.items():
        if value.numel() > 1:
            raise ValueError(f"a network takes one {name}, got {value.numel()} of them; a sweep is for minimize")
    return {name: value.item() for name, value in values.items()}


def _with(rule: Rule, group: dict, *, check: bool = False) -> Rule:
    """The rule with the hyperparameters of a parameter group."""
    names = hyperparameters(rule)
    changed = replace(rule, **{name: group[name] for name in names}) if names else rule
    return checked(changed) if check else changed


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
