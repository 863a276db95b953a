"""What every picture needs: its bytes and its sentence, words as they stand, limits that can be drawn."""

from gdviz.pictures.figure import canvas, picture, png

__all__ = ["canvas", "picture", "png"]
