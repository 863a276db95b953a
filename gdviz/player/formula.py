"""A torch function as a list of elementary operations, which the browser repeats: see static/formula.mjs.

torch itself says which operations a function runs, those of its gradient included. What does not depend on the inputs
is computed here, once.
"""

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from gdviz.player.operations import OPERATIONS, Unknown

INSIDE = (str(Path(torch.__file__).parent), str(Path(__file__).parents[1]))  # no line of these is the learner's


class NotFollowed(ValueError):
    """Why the browser cannot repeat a function, and which line is the reason, in one sentence.

    Example:
        >>> str(NotFollowed("the browser has no sort"))
        'the browser has no sort'
    """


def traced(fn: Callable[..., Any], *inputs: Tensor) -> dict[str, Any]:
    """What fn computes of its inputs, as operations on arrays of fixed shapes.

    Args:
        fn: takes float64 tensors, returns a tensor or a tuple of them.
        inputs: an example of each. Two that are equal must yet be two tensors.

    Returns:
        `inputs`, their shapes; `constants`, (number, shape, float64 bytes) of each; `steps`, (operation, number of the
        result, its shape, numbers of the operands, how); `outputs`, their numbers. The same function gives the same.

    Raises:
        NotFollowed: an operation that the browser does not know, a branch on a value, random numbers, other types than
            float64.

    Example:
        >>> [name for name, *_ in traced(lambda w: (3 * w).sum(-1), torch.ones(2).double())["steps"]]
        ['mul', 'sum']
    """
    recorder = _Recorder(inputs)
    with recorder:
        returned = fn(*inputs)
        outputs = [recorder.number(tensor) for tensor in (returned if isinstance(returned, tuple) else (returned,))]
    return recorder.written(outputs)


class _Recorder(TorchDispatchMode):
    """Notes each operation that torch runs, as those of the browser on numbered arrays."""

    def __init__(self, inputs: Sequence[Tensor]):
        super().__init__()
        self.shapes = [tuple(tensor.shape) for tensor in inputs]
        self.known = {id(tensor): i for i, tensor in enumerate(inputs)}  # of what depends on the inputs
        self.given = {*self.known}
        self.alive: list[Any] = [*inputs]  # as long as they are, no other tensor has their id
        self.steps: list[tuple] = []
        self.constants: dict[int, Tensor] = {}
        if len(self.known) < len(inputs):
            raise ValueError("inputs must be different tensors; give a clone")
        for tensor in inputs:
            _refuse_type(tensor)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No compiler is near; to say so to it would load it, for a second."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = kwargs or {}, func.overloadpacket.__name__
        reshapes = name in ("squeeze_", "unsqueeze_", "t_", "transpose_")  # in place, but no number changes
        if torch.Tag.nondeterministic_seeded in func.tags:
            raise NotFollowed(f"random numbers are drawn ({name}){_line()}; give them as data")
        depends = any(id(tensor) in self.known for tensor in _tensors([args, kwargs]))
        if name == "_local_scalar_dense" and depends:
            raise NotFollowed(f"a branch or a Python number is made of a value{_line()}; torch.where(condition, a, b)")
        if depends and func._schema.is_mutable and not reshapes and self._shared(args[0]):
            raise NotFollowed(f"a tensor is changed in place ({name}){_line()}; make a new one")
        out, name = func(*args, **kwargs), name.removesuffix("_")
        if not depends or name.endswith("_like") or name.startswith("new_"):
            self.alive.append(out)
            return out
        if name not in OPERATIONS:
            raise NotFollowed(f"the browser has no {name}{_line()}")
        try:
            numbers = OPERATIONS[name](self, out, *args, **kwargs)
        except Unknown as error:
            raise NotFollowed(f"the browser has no {error}{_line()}") from error
        for tensor, number in zip(out if isinstance(out, tuple | list) else [out], numbers):
            _refuse_type(tensor)
            self.known[id(tensor)] = number
        self.alive.append(out)
        return out

    def _shared(self, tensor: Tensor) -> bool:
        """Whether another tensor has the same memory: to change it in place changes that, too."""
        place = tensor.untyped_storage().data_ptr()
        alive = (one for one in _tensors(self.alive) if one is not tensor)
        return any(one.untyped_storage().data_ptr() == place for one in alive) or id(tensor) in self.given

    def number(self, value: Any) -> int:
        """The number of an array; what does not depend on the inputs becomes a constant."""
        if id(value) in self.known:
            return self.known[id(value)]
        tensor = value if isinstance(value, Tensor) else torch.tensor(float(value), dtype=torch.float64)
        return self.constant(tensor)

    def constant(self, tensor: Tensor) -> int:
        """A new array of these numbers; equal ones are one."""
        with _disable_current_modes():
            numbers = tensor.detach().to(torch.float64).contiguous().clone()
            for number, other in self.constants.items():
                if other.shape == numbers.shape and other.numpy().tobytes() == numbers.numpy().tobytes():
                    return number
        self.shapes.append(tuple(numbers.shape))
        self.constants[len(self.shapes) - 1] = numbers
        return len(self.shapes) - 1

    def step(self, name: str, shape: Sequence[int], operands: Sequence[Any], *how: Any) -> int:
        """A new array that an operation of the browser makes of others."""
        numbers = [one if isinstance(one, _Number) else self.number(one) for one in operands]
        self.shapes.append(tuple(shape))
        self.steps.append((name, len(self.shapes) - 1, numbers, how))
        return _Number(len(self.shapes) - 1)

    def written(self, outputs: list[int]) -> dict[str, Any]:
        """All that the outputs need, and nothing else, numbered anew."""
        needed, kept = set(outputs), []
        for step in reversed(self.steps):
            if step[1] in needed:
                kept.insert(0, step)
                needed |= set(step[2])
        inputs = len(self.shapes) - len(self.steps) - len(self.constants)
        order = [*range(inputs), *(n for n in self.constants if n in needed), *(step[1] for step in kept)]
        new = {old: i for i, old in enumerate(order)}
        return {
            "inputs": [list(self.shapes[i]) for i in range(inputs)],
            "constants": [
                [new[n], list(self.shapes[n]), numbers.numpy().tobytes()]
                for n, numbers in self.constants.items()
                if n in new
            ],
            "steps": [
                [name, new[n], list(self.shapes[n]), [new[one] for one in numbers], *how]
                for name, n, numbers, how in kept
            ],
            "outputs": [new[n] for n in outputs],
        }


class _Number(int):
    """The number of an array, told apart from a number of the formula."""


def _tensors(thing: Any) -> list[Tensor]:
    if isinstance(thing, Tensor):
        return [thing]
    parts = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list | tuple) else ()
    return [tensor for part in parts for tensor in _tensors(part)]


def _refuse_type(tensor: Tensor) -> None:
    if tensor.dtype not in (torch.float64, torch.bool, torch.int64):
        raise NotFollowed(f"numbers are {str(tensor.dtype).removeprefix('torch.')}{_line()}; the browser has float64")


def _line() -> str:
    """Where the learner's own code is, as words for the end of a sentence."""
    stack = traceback.extract_stack()
    if any(frame.name == "_engine_run_backward" for frame in stack):
        return " in the gradient of the loss"
    began = max(
        (i for i, frame in enumerate(stack) if (frame.filename, frame.name) == (__file__, traced.__name__)), default=0
    )
    frames = [frame for frame in stack[began:] if not frame.filename.startswith(INSIDE)]
    if not frames:
        return ""
    frame = frames[-1]
    written = f", {frame.line!r}" if frame.line else ""
    return f" in line {frame.lineno} of {frame.name}{written}"
