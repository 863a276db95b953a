"""The numbers of a picture."""

from typing import Any

import numpy as np


def as_array(what: str, values: Any) -> np.ndarray:
    """Numbers as float64, from tensors (also those that carry a gradient), arrays and lists."""
    try:
        array = np.asarray(values.detach() if hasattr(values, "detach") else values)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "iufb":
        raise TypeError(f"the array of a {what} must hold real numbers, got {type(values).__name__}")
    return array.astype(np.float64)
