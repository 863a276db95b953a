"""The player: everything is computed once, and the browser does the moving."""

from gdviz.player.widget import Player

__all__ = ["Player"]
