"""What a player shows, for the tests of ready-made players: the arrays of its marks and the words of its readouts."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def look_of_the_course():
    with plt.style.context("gdviz.course"):
        yield


def arrays(player, kind):
    return [mark.array for mark in player._marks if mark.kind == kind]


def readouts(player, index):
    return [mark.readout(index) for mark in player._marks if mark.kind == "text"]
