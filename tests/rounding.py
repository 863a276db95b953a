"""The notebooks under another arithmetic: pytest -p rounding --nbval notebooks, with this folder in PYTHONPATH

Machines differ in the last bits of a sum: in the width of their vector instructions, in how many threads share it. What
a notebook prints must not. So every notebook is run with other instructions, other threads and starts that are moved in
their last digits, all at once, and nbval compares all text with what is committed.
"""

import os

from nbval.plugin import IPyNbFile
from numpy._core import _multiarray_umath as numpys

WIDE = [name for name in numpys.__cpu_dispatch__ if numpys.__cpu_features__.get(name)]
NARROW = {  # the narrowest instructions of torch, MKL, oneDNN, OpenBLAS and numpy
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": " ".join(WIDE),
}
THREADS = {f"{library}_NUM_THREADS": "4" for library in ("OMP", "MKL", "OPENBLAS")}
THREADS |= {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}  # those that wait leave the cores to the others
NUDGE = '''
def nudge():
    """Move every start by about 1e-12 of itself: what torch draws, a network's first weights, minimize's start.

    That of minimize is moved by one factor, so that what is exactly on a ridge, or turned, stays so to rounding.
    """
    import torch
    from gdviz import descent
    from gdviz.doors import settled

    own = torch.Generator().manual_seed(7)
    rand, init, settle = torch.rand, torch.nn.init, settled.settle

    def moved(tensor):
        return tensor * (1 + 1e-12 * rand(tensor.shape, generator=own, dtype=torch.float64).to(tensor.dtype))

    def returned(function):
        return lambda *args, **kwargs: moved(function(*args, **kwargs))

    def filled(function):
        def fill(tensor, *args, **kwargs):
            function(tensor, *args, **kwargs)
            with torch.no_grad():
                return tensor.copy_(moved(tensor))

        return fill

    torch.rand, torch.randn = returned(torch.rand), returned(torch.randn)
    descent.settle = lambda rule, start, *args: settle(rule, settled.checked_start(start) * (1 + 1e-12), *args)
    for name in ("uniform_", "normal_", "kaiming_uniform_"):
        setattr(init, name, filled(getattr(init, name)))


nudge()
del nudge
'''


def pytest_configure():
    """Set it for the kernels, which are started later."""
    os.environ.update(NARROW | THREADS)
    IPyNbFile.setup = _then_nudged(IPyNbFile.setup)


def _then_nudged(setup):
    def nudged(self):
        setup(self)
        asked = self.kernel.execute_cell_input(NUDGE, allow_stdin=False)
        answer = {}
        while answer.get("parent_header", {}).get("msg_id") != asked:
            answer = self.kernel.get_message("shell", timeout=600)
        assert answer["content"]["status"] == "ok", answer["content"]

    return nudged
