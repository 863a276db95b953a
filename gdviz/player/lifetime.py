"""What a cell has shown goes when the cell runs again.

ipywidgets keeps every widget until it is closed, and IPython the value of every cell: after ten runs of a notebook the
kernel would hold ten of each player, and the browser too.
"""

from typing import Any

_shown: dict[str, tuple[str, list]] = {}  # cell -> its last run, and what that has shown
_replaced: list = []  # what earlier runs have shown


def note(thing: Any) -> bool:
    """The running cell shows this: when it has run again, thing.close() is called, and IPython's Out forgets it.

    But not while another cell shows it, or a variable holds it. Nothing happens where the notebook does not say which
    cell runs: JupyterLab and Notebook do. Returns whether it does.
    """
    shell, cell, run = _running()
    if cell:
        _began(cell, run)
        _shown[cell][1].append(thing)
        if _ended not in shell.events.callbacks["post_run_cell"]:
            shell.events.register("post_run_cell", _ended)
    return bool(cell)


def _running() -> tuple[Any, str, str]:
    from IPython import get_ipython

    shell = get_ipython()
    message = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return shell, message.get("metadata", {}).get("cellId", ""), message.get("header", {}).get("msg_id", "")


def _began(cell: str, run: str) -> None:
    before, things = _shown.get(cell, (run, []))
    if before != run:
        _replaced.extend(things)
        things = []
    _shown[cell] = run, things


def _ended(*_: Any) -> None:
    shell, cell, run = _running()
    if cell in _shown:
        _began(cell, run)  # it may have shown nothing this time
    names = list(shell.user_ns.items())  # another thread may add some
    kept = {id(value) for name, value in names if name.strip("_0123456789")}  # _, __ and _7 are IPython's
    kept |= {id(thing) for _, things in _shown.values() for thing in things}
    for thing in [thing for thing in _replaced if id(thing) not in kept]:
        thing.close()
        _forget(shell, thing)
    _replaced[:] = [thing for thing in _replaced if id(thing) in kept]


def _forget(shell: Any, thing: Any) -> None:
    for names in (*shell.all_ns_refs, shell.user_ns["_oh"]):
        for name in [name for name, value in names.items() if value is thing]:
            del names[name]
    for name in ("_", "__", "___"):
        if getattr(shell.displayhook, name, None) is thing:
            setattr(shell.displayhook, name, "")
