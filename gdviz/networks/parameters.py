"""Which parameters can be trained, and why another one cannot, with the cure."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from gdviz.optimizers.rule import is_for_matrices


def refuse_twice(params: list[Any]) -> None:
    """Refused: a parameter that is there twice, or a second one on the same memory; a step would move it twice."""
    seen = set()
    for p in params:
        keys = (
            {id(p)} if not isinstance(p, Tensor) or is_lazy(p) or p.numel() == 0 or p.is_meta else {id(p), p.data_ptr()}
        )
        if keys & seen:
            raise ValueError("a parameter is there twice, and would move twice; give list(dict.fromkeys(params))")
        seen |= keys


def no_matrix(rule: Any, p: Tensor) -> str:
    """Why a rule for matrices cannot take this parameter, with the cure; empty where it can."""
    if not is_for_matrices(rule) or p.ndim == 2 or (p.ndim < 2 and getattr(rule, "vectors", False)):
        return ""
    name = type(rule).__name__
    split = f'TorchOptimizer([{{"params": matrices}}, {{"params": others, "rule": AdamW(lr=0.001)}}], {name}(...))'
    cure = (
        f"give the others a rule of their own, {split}, with matrices = [p for p in model.parameters() if p.ndim == 2]"
    )
    return f"{name} takes parameters with two axes, got one of shape {tuple(p.shape)}; {cure}"


def no_float(p: Tensor) -> str:
    """Why this parameter cannot be trained, with the cure; empty where it can."""
    words = _no_float_but(p)
    return words and f"parameters must be float32 or float64, {words}"


def _no_float_but(p: Tensor) -> str:
    if is_lazy(p):
        return "got one without a size; call the model once, model(x[:2])"
    if p.is_meta:
        return "got one on the meta device, which holds no numbers; make the model on the cpu"
    if p.dtype in (torch.float32, torch.float64):
        return ""
    if p.is_complex():
        return f"got {p.dtype}; torch.view_as_real(p.detach()) makes two numbers of each"
    cure = "model.float() makes them so" if p.is_floating_point() else "leave them out, whole numbers are not trained"
    return f"got {p.dtype}; {cure}"
