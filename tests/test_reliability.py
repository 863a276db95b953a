"""Bursts, crowds, hours, restarts, second windows: a player shows the last value, moves alone and leaves nothing behind."""

import matplotlib.pyplot as plt
import pytest
import torch
from lab import notebook_of
from gdviz import export
from gdviz.player import Player
