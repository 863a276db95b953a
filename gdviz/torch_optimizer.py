"""Any rule on any network: `TorchOptimizer(model.parameters(), rule)` in the place of a torch.optim optimizer."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gdviz.hyperparameters import checked, hyperparameters
from gdviz.optimizers import Rule

SCHEDULED = {"initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum", "swa_lr"}  # left by torch's schedulers
GROUP_KEYS = {"params", "name", "param_names"} | SCHEDULED  # what a group may hold beside the rule's hyperparameters


class TorchOptimizer(torch.optim.Optimizer):
    """w, state <- rule.update(w, gradient of w, state) for each parameter w of a network, in place.

    params: what model.parameters() gives, or parameter groups: dicts of "params" and of the rule's own fields, such as
    {"params": model.head.parameters(), "lr": 0.01}; float32 or float64.
    rule: an optimizer of gdviz, or of your own; one value for each hyperparameter, since a network has no axis of runs.
    The hyperparameters of a dataclass live in `param_groups` under their names, so torch's lr_schedulers work
    (OneCycleLR and CyclicLR: cycle_momentum=False for a rule without `momentum`). So do closures, step hooks,
    `add_param_group`, `state_dict`, `load_state_dict`, copies and pickles. A parameter without gradient stays as it is,
    with its state. A rule whose `elementwise` is False (LBFGS) takes the parameters of a group as one vector, missing
    gradients as 0.
    Refused: no parameters, a rule class, a sweep, a field that the rule does not have, the state of another rule.
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
        self._state_type: type | None = None  # the NamedTuple of the rule, known from its first step on
        super().__init__(params, _numbers(self.rule))

    def add_param_group(self, param_group: dict) -> None:
        """One more group of parameters: a dict of "params" and, where they differ, of the rule's fields."""
        fields = f"params, name{''.join(f', {name}' for name in self.defaults)}"
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise TypeError(f"a parameter group is a dict with {fields}; got {param_group!r}")
        unknown = set(param_group) - set(self.defaults) - GROUP_KEYS
        if unknown:
            raise ValueError(f"a parameter group here has {fields}; got {_listed(unknown)}")
        given = param_group["params"]
        given = [given] if isinstance(given, Tensor) else list(given)
        if not given:
            raise ValueError("a parameter group holds no parameters; give parameters() anew (reading it uses it up)")
        numbers = _numbers(checked(_with(self.rule, self.defaults | param_group)))
        super().add_param_group(param_group | numbers | {"params": given})
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

    def state_dict(self) -> dict:
        """What torch's own holds, and the name of the rule."""
        return super().state_dict() | {"rule": type(self.rule).__name__}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on where `state_dict()` was taken: of the same rule, for the same parameters."""
        rule = type(self.rule).__name__
        if state_dict.get("rule") != rule:
            theirs = state_dict.get("rule") or "an optimizer that is not of gdviz"
            raise ValueError(f"this is the state of {theirs}, and the rule here is {rule}")
        super().load_state_dict(state_dict)
        for group in self.param_groups:  # torch has made all of it the parameter's type, but t is float64
            whole = not getattr(self.rule, "elementwise", True)
            parts = [torch.cat([p.detach().reshape(-1) for p in group["params"]])] if whole else group["params"]
            for p, part in zip(group["params"], parts):
                if kept := self.state.get(p):
                    fresh = self._packed(self.rule.init(part.detach()))
                    kept.update(
                        {name: value.to(fresh[name].dtype) for name, value in kept.items() if _both(value, fresh[name])}
                    )

    def __getstate__(self) -> dict:  # torch's own keeps only defaults, state and groups in copies and pickles
        return super().__getstate__() | {"rule": self.rule, "_state_type": self._state_type}

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, rule {type(self.rule).__name__})"

    def _step_as_one_vector(self, rule: Rule, params: list[Tensor]) -> None:
        grads = [torch.zeros_like(p) if p.grad is None else p.grad.to_dense() for p in params]
        flat, flat_grads = (torch.cat([part.reshape(-1) for part in parts]) for parts in (params, grads))
        moved = self._moved(rule, params[0], flat, flat_grads)
        for p, part in zip(params, moved.split([p.numel() for p in params])):
            p.copy_(part.view_as(p))

    def _moved(self, rule: Rule, key: Tensor, params: Tensor, grads: Tensor) -> Tensor:
        """The new params. The state lies under the key as a plain dict, for load_state_dict rebuilds no NamedTuple."""
        params, grads = params.detach().clone(), grads.to_dense().clone()  # what a rule keeps stays as it was
        kept = self.state[key]
        if not kept:
            kept.update(self._packed(rule.init(params)))
        state = self._state_type(**kept) if self._state_type else kept["state"]
        returned = rule.update(params, grads, state)
        if not (isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[0], Tensor)):
            raise TypeError(f"update must return (params, state), got {type(returned).__name__}")
        moved, state = returned
        if moved.shape != params.shape:
            raise ValueError(f"update must keep the shape of params {tuple(params.shape)}, got {tuple(moved.shape)}")
        kept.update(self._packed(state))
        return moved

    def _packed(self, state: Any) -> dict[str, Any]:
        """The fields of a NamedTuple; anything else under the name state."""
        self._state_type = type(state) if hasattr(state, "_asdict") else None
        return state._asdict() if self._state_type else {"state": state}


def _numbers(rule: Rule) -> dict[str, float]:
    """The hyperparameters as plain numbers; refused where one is a sweep."""
    values = hyperparameters(rule)
    for name, value in values.items():
        if value.numel() > 1:
            raise ValueError(f"a network takes one {name}, got {value.numel()} of them; a sweep is for minimize")
    return {name: value.item() for name, value in values.items()}


def _with(rule: Rule, group: dict) -> Rule:
    """The rule with the hyperparameters of a parameter group."""
    names = hyperparameters(rule)
    return replace(rule, **{name: group[name] for name in names}) if names else rule


def _both(value: Any, other: Any) -> bool:
    return isinstance(value, Tensor) and isinstance(other, Tensor)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
