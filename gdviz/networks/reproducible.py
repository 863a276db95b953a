"""The same first weights on every machine, and nothing of it left behind."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Within this block, layers draw their first weights from this seed and are float64; then all is as it was before.

    torch's layers draw from one generator for all, and have one type for all: so it is set here, and given back.

    Args:
        seed: of torch's generator.

    Yields:
        Nothing.

    Example:
        >>> with reproducible(0):
        ...     layer = torch.nn.Linear(2, 1)
        >>> layer.weight.dtype, torch.get_default_dtype()
        (torch.float64, torch.float32)
    """
    before = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_default_dtype(torch.float64)
        try:
            yield
        finally:
            torch.set_default_dtype(before)
