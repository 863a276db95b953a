"""What torch's operations are in the browser: elementary ones on whole arrays, each an entry of static/formula.mjs.

A translator takes the recorder, what torch has returned, and torch's own arguments; it notes the steps and returns the
number of each result.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes


class Unknown(ValueError):
    """A form of an operation that the browser does not have."""


def _unary(name: str) -> Callable:
    return lambda r, out, x: [r.step(name, out.shape, [x])]


def _binary(name: str) -> Callable:
    return lambda r, out, x, y: [r.step(name, out.shape, [x, y])]


def _scaled(r: Any, value: Any, alpha: float) -> Any:
    """alpha times a value, as in torch.add(x, y, alpha=...)."""
    if alpha == 1:
        return value
    return r.step("mul", value.shape if isinstance(value, Tensor) else (), [value, alpha])


def _add(r: Any, out: Tensor, x: Any, y: Any, alpha: float = 1) -> list[int]:
    return [r.step("add", out.shape, [x, _scaled(r, y, alpha)])]


def _sub(r: Any, out: Tensor, x: Any, y: Any, alpha: float = 1) -> list[int]:
    return [r.step("sub", out.shape, [x, _scaled(r, y, alpha)])]


def _rsub(r: Any, out: Tensor, x: Any, y: Any, alpha: float = 1) -> list[int]:
    return [r.step("sub", out.shape, [y, _scaled(r, x, alpha)])]


def _div(r: Any, out: Tensor, x: Any, y: Any, rounding_mode: str | None = None) -> list[int]:
    if rounding_mode:
        raise Unknown(f"division with rounding_mode={rounding_mode!r}")
    return [r.step("div", out.shape, [x, y])]


def _clamp(r: Any, out: Tensor, x: Tensor, low: Any = None, high: Any = None) -> list[int]:
    number: Any = x
    if low is not None:
        number = r.step("maximum", out.shape, [number, low])
    if high is not None:
        number = r.step("minimum", out.shape, [number, high])
    return _same(r, out, number)


def _same(r: Any, out: Tensor, x: Any, *_: Any, **__: Any) -> list[int]:
    return [r.step("reshape", out.shape, [x])]


def _part(function: Any) -> Callable:
    """A view of an array: its shape, its strides and where it begins."""

    def translate(r: Any, out: Any, x: Tensor, *args: Any, **kwargs: Any) -> list[int]:
        with _disable_current_modes():
            views = function(torch.empty(x.shape, dtype=torch.bool), *args, **kwargs)
        views = views if isinstance(views, tuple | list) else [views]
        return [r.step("part", v.shape, [x], list(v.stride()), v.storage_offset()) for v in views]

    return translate


def _put(function: Any) -> Callable:
    """The gradient of a view: zeros, and the numbers at its places."""

    def translate(r: Any, out: Tensor, x: Tensor, sizes: Any, *where: Any) -> list[int]:
        with _disable_current_modes():
            view = function(torch.empty(tuple(sizes), dtype=torch.bool), *where)
        return [r.step("put", out.shape, [x], list(view.stride()), view.storage_offset())]

    return translate


def _axes(x: Tensor, dim: Any) -> list[int]:
    given = range(x.ndim) if dim is None or dim == [] else [dim] if isinstance(dim, int) else dim
    return sorted(axis % x.ndim for axis in given) if x.ndim else []


def _reduce(name: str) -> Callable:
    def translate(r: Any, out: Any, x: Tensor, dim: Any = None, keepdim: bool = False, **_: Any) -> list[int]:
        return [r.step(name, out.shape, [x], _axes(x, dim))]

    return translate


def _extreme(name: str, of_two: str) -> Callable:
    """The largest, or least, of all numbers, or of two arrays place by place."""

    def translate(r: Any, out: Any, x: Tensor, other: Any = None, *_: Any) -> list[int]:
        if other is None:
            return [r.step(name, out.shape, [x], _axes(x, None))]
        if isinstance(other, Tensor):
            return [r.step(of_two, out.shape, [x, other])]
        raise Unknown(f"{name[1:]} along an axis with the places; {name} gives the numbers alone")

    return translate


def _mean(r: Any, out: Tensor, x: Tensor, dim: Any = None, keepdim: bool = False, **_: Any) -> list[int]:
    axes = _axes(x, dim)
    return [r.step("div", out.shape, [r.step("sum", out.shape, [x], axes), math.prod(x.shape[i] for i in axes)])]


def _norm(r: Any, out: Tensor, x: Tensor, ord: float = 2, dim: Any = None, *_: Any, **__: Any) -> list[int]:
    if ord != 2:
        raise Unknown(f"norm of order {ord}")
    square = r.step("mul", x.shape, [x, x])
    return [r.step("sqrt", out.shape, [r.step("sum", out.shape, [square], _axes(x, dim))])]


def _cat(r: Any, out: Tensor, tensors: Any, dim: int = 0) -> list[int]:
    return [r.step("cat", out.shape, tensors, dim % out.ndim)]


def _stack(r: Any, out: Tensor, tensors: Any, dim: int = 0) -> list[int]:
    dim %= out.ndim
    shape = (*out.shape[:dim], 1, *out.shape[dim + 1 :])
    return [r.step("cat", out.shape, [r.step("reshape", shape, [one]) for one in tensors], dim)]


def _where(r: Any, out: Tensor, condition: Tensor, x: Any, y: Any) -> list[int]:
    return [r.step("where", out.shape, [condition, x, y])]


def _filled(r: Any, out: Tensor, x: Tensor, mask: Tensor, value: Any) -> list[int]:
    return _where(r, out, mask, value, x)


def _addcmul(r: Any, out: Tensor, x: Tensor, a: Tensor, b: Tensor, *, value: float = 1) -> list[int]:
    product = r.step("mul", torch.broadcast_shapes(a.shape, b.shape), [_scaled(r, a, value), b])
    return [r.step("add", out.shape, [x, product])]


def _addcdiv(r: Any, out: Tensor, x: Tensor, a: Tensor, b: Tensor, *, value: float = 1) -> list[int]:
    quotient = r.step("div", torch.broadcast_shapes(a.shape, b.shape), [_scaled(r, a, value), b])
    return [r.step("add", out.shape, [x, quotient])]


def _lerp(r: Any, out: Tensor, x: Tensor, y: Tensor, weight: Any) -> list[int]:
    way = r.step("sub", torch.broadcast_shapes(x.shape, y.shape), [y, x])
    return [r.step("add", out.shape, [x, r.step("mul", out.shape, [weight, way])])]


def _sigmoid_backward(r: Any, out: Tensor, grad: Tensor, y: Tensor) -> list[int]:
    slope = r.step("mul", y.shape, [y, r.step("sub", y.shape, [1, y])])
    return [r.step("mul", out.shape, [grad, slope])]


def _tanh_backward(r: Any, out: Tensor, grad: Tensor, y: Tensor) -> list[int]:
    slope = r.step("sub", y.shape, [1, r.step("mul", y.shape, [y, y])])
    return [r.step("mul", out.shape, [grad, slope])]


def _threshold_backward(r: Any, out: Tensor, grad: Tensor, x: Tensor, threshold: float) -> list[int]:
    return _where(r, out, r.step("gt", x.shape, [x, threshold]), grad, 0)


def _log_softmax(r: Any, out: Tensor, x: Tensor, dim: int, *_: Any) -> list[int]:
    kept, axes = [1 if i == dim % x.ndim else n for i, n in enumerate(x.shape)], [dim % x.ndim]
    below = r.step("sub", x.shape, [x, r.step("amax", kept, [x], axes)])
    total = r.step("sum", kept, [r.step("exp", x.shape, [below])], axes)
    return [r.step("sub", out.shape, [below, r.step("log", kept, [total])])]


def _log_softmax_backward(r: Any, out: Tensor, grad: Tensor, y: Tensor, dim: int, *_: Any) -> list[int]:
    kept, axes = [1 if i == dim % y.ndim else n for i, n in enumerate(y.shape)], [dim % y.ndim]
    shares = r.step("mul", y.shape, [r.step("exp", y.shape, [y]), r.step("sum", kept, [grad], axes)])
    return [r.step("sub", out.shape, [grad, shares])]


def _of_the_classes(
    r: Any, x: Tensor, classes: Tensor, weight: Any, reduction: int, ignored: int
) -> tuple[Tensor, int]:
    """1 where a row (n, classes) has its class and else 0; and how many rows one loss is the mean of."""
    if x.ndim != 2 or weight is not None or not reduction or id(classes) in r.known or (classes == ignored).any():
        raise Unknown("nll_loss of drawn or ignored classes, with weights, or of more than rows of classes")
    with _disable_current_modes():
        return torch.nn.functional.one_hot(classes, x.shape[1]).double(), len(x) if reduction == 1 else 1


def _nll_loss(r: Any, out: Any, x: Tensor, classes: Tensor, *how: Any) -> list[int]:
    where, count = _of_the_classes(r, x, classes, *how)
    total = r.step("sum", (), [r.step("mul", x.shape, [x, where])], [0, 1])
    return [r.step("div", out[0].shape, [total, -count]), r.constant(out[1])]


def _nll_loss_backward(r: Any, out: Tensor, grad: Tensor, x: Tensor, classes: Tensor, *how: Any) -> list[int]:
    where, count = _of_the_classes(r, x, classes, *how[:3])
    return [r.step("mul", out.shape, [where, r.step("div", grad.shape, [grad, -count])])]


def _matmul(r: Any, out: Tensor, x: Tensor, y: Tensor) -> list[int]:
    """Of a matrix and a matrix, a matrix and a vector, or two vectors: each with its middle length."""
    rows, middle = (1, x.shape[0]) if x.ndim == 1 else x.shape
    return [r.step("matmul", out.shape, [x, y], rows, middle, 1 if y.ndim == 1 else y.shape[1])]


def _addmm(r: Any, out: Tensor, bias: Tensor, x: Tensor, y: Tensor, *, beta: float = 1, alpha: float = 1) -> list[int]:
    product = r.step("matmul", out.shape, [_scaled(r, x, alpha), y], *x.shape, y.shape[1])
    return [r.step("add", out.shape, [_scaled(r, bias, beta), product])]


def _index(r: Any, out: Tensor, x: Tensor, indices: Any) -> list[int]:
    """Rows of an array, by their numbers."""
    if len(indices) != 1 or indices[0] is None or indices[0].dtype != torch.int64:
        raise Unknown("index with a mask or in several axes")
    return [r.step("gather", out.shape, [x, indices[0]], math.prod(x.shape[1:]))]


UNARY = "neg sqrt exp log sin cos tan tanh sigmoid abs sign reciprocal rsqrt relu floor round isnan logical_not log1p"
BINARY = "mul pow maximum minimum gt ge lt le eq ne logical_and logical_or atan2"
SAME = "detach alias clone view _unsafe_view reshape unsqueeze squeeze _to_copy lift_fresh contiguous view_as"
PARTS = "select slice unbind expand permute transpose t split split_with_sizes as_strided"

OPERATIONS: dict[str, Callable] = {
    **{name: _unary(name) for name in UNARY.split()},
    **{name: _binary(name) for name in BINARY.split()},
    **{name: _same for name in SAME.split()},
    **{name: _part(getattr(torch.ops.aten, name)) for name in PARTS.split()},
    **dict.fromkeys(("mm", "mv", "dot"), _matmul),
    "add": _add,
    "sub": _sub,
    "rsub": _rsub,
    "div": _div,
    "deg2rad": lambda r, out, x: [_scaled(r, x, math.pi / 180)],
    "square": lambda r, out, x: [r.step("mul", out.shape, [x, x])],
    "clamp": _clamp,
    "clamp_min": lambda r, out, x, low: _clamp(r, out, x, low),
    "clamp_max": lambda r, out, x, high: _clamp(r, out, x, None, high),
    "sgn": _unary("sign"),
    "bitwise_and": _binary("logical_and"),
    "bitwise_or": _binary("logical_or"),
    "bitwise_not": _unary("logical_not"),
    "sum": _reduce("sum"),
    "amax": _reduce("amax"),
    "amin": _reduce("amin"),
    "max": _extreme("amax", "maximum"),
    "min": _extreme("amin", "minimum"),
    "all": _reduce("all"),
    "any": _reduce("any"),
    "mean": _mean,
    "linalg_vector_norm": _norm,
    "index": _index,
    "cat": _cat,
    "stack": _stack,
    "where": _where,
    "masked_fill": _filled,
    "addcmul": _addcmul,
    "addcdiv": _addcdiv,
    "lerp": _lerp,
    "addmm": _addmm,
    "sigmoid_backward": _sigmoid_backward,
    "tanh_backward": _tanh_backward,
    "threshold_backward": _threshold_backward,
    "_log_softmax": _log_softmax,
    "_log_softmax_backward_data": _log_softmax_backward,
    "nll_loss_forward": _nll_loss,
    "nll_loss_backward": _nll_loss_backward,
    "select_backward": _put(torch.ops.aten.select),
    "slice_backward": _put(torch.ops.aten.slice),
}
