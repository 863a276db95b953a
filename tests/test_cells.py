"""A notebook run again: what its cells showed before is closed and forgotten, and nothing else is."""

import pytest
from jupyter_client.manager import start_new_kernel

SOURCE = """
import gc, ipywidgets, matplotlib.pyplot as plt, sys
from gdviz.player import Player
from IPython.display import display

def make():
    figure, ax = plt.subplots(figsize=(3, 2))
    player = Player(figure, {"step": range(3)})
    player.path(ax, [[0, 0], [1, 1], [2, 0]])
    return player

def census():
    gc.collect()
    players = [thing for thing in gc.get_objects() if issubclass(type(thing), Player)]
    widgets = getattr(sys.modules["ipywidgets.widgets.widget"], "_instances", None) or ipywidgets.Widget.widgets
    figures = [thing for thing in gc.get_objects() if issubclass(type(thing), plt.Figure)]
    print(len(players), len(widgets), len(figures))
"""


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel()
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def run(kernel):
    """run(cell, code) -> what the cell of this name printed; every test has other cells."""
    told = []

    def run(cell, code):
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = kernel.session.msg("execute_request", content, metadata={"cellId": cell} if cell else {})
        kernel.shell_channel.send(message)
        told.clear()
        while True:
            reply = kernel.get_iopub_msg(timeout=600)
            if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            told.append((reply["msg_type"], reply["content"]))
            if reply["content"].get("execution_state") == "idle":
                return "".join(content["text"] for kind, content in told if kind == "stream")

    run.told = told
    run("source", SOURCE)
    return run


def opened(run):
    return sum(kind == "comm_open" for kind, _ in run.told)


@pytest.mark.slow
def test_ten_runs_leave_what_one_run_leaves(run):
    cells = {"a": "player = make()\nplayer", "b": "make()", "c": "display(make(), make())"}

    def all_cells():
        for cell, code in cells.items():
            assert run(f"ten {cell}", code) == ""
        return run("census", "census()")

    first = all_cells()
    assert [all_cells() for _ in range(9)] == 9 * [first]
    assert int(first.split()[0]) >= 4


@pytest.mark.slow
def test_a_cell_that_shows_nothing_any_more_lets_go_of_what_it_showed(run):
    before = run("census", "census()")
    run("empty", "make()")
    assert run("census", "census()") != before
    run("empty", "raise ValueError")
    assert run("census", "census()") == before


@pytest.mark.slow
def test_a_player_that_has_a_name_lives_on_until_the_name_is_another(run):
    run("named", "kept = make(); kept")
    run("named", "print('other')")
    assert run("look", "print(kept.comm is None)") == "False\n"
    run("elsewhere", "gone, kept = kept, None")
    run("elsewhere", "named_so = gone; del gone")
    assert run("look", "print(named_so.comm is None, len(named_so.describe()) > 0)") == "False True\n"
    before = run("census", "census()")
    run("elsewhere", "del named_so")
    assert int(run("census", "census()").split()[0]) == int(before.split()[0]) - 1


@pytest.mark.slow
def test_a_player_that_another_cell_shows_lives_on(run):
    run("list", "held = [make()]")
    run("one", "held[0]")
    run("two", "held[0]")
    run("one", "None")
    assert run("look", "print(held[0].comm is None)") == "False\n"
    run("two", "None")
    assert run("look", "print(held[0].comm is None)") == "True\n"


@pytest.mark.slow
def test_a_closed_player_lives_again_when_it_is_shown(run):
    run("list", "held = [make()]; before = held[0].model_id, held[0]._box.model_id")
    widgets = opened(run)
    run("one", "held[0]")
    run("one", "None")
    assert run("look", "print(held[0].comm is None)") == "True\n"
    run("one", "held[0]")
    assert opened(run) == widgets
    assert run("look", "print((held[0].model_id, held[0]._box.model_id) == before)") == "True\n"


@pytest.mark.slow
def test_the_same_player_shown_again_by_its_cell_is_not_closed(run):
    run("list", "held = [make()]")
    run("one", "held[0]")
    run("one", "held[0]")
    assert opened(run) == 0
    assert "comm_close" not in [kind for kind, _ in run.told]


@pytest.mark.slow
def test_where_no_cell_is_named_nothing_is_closed(run):
    run("", "held = [make()]; display(held[0])")
    run("", "None")
    assert run("", "print(held[0].comm is None)") == "False\n"
