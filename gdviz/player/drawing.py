"""What one puts on a player: a method for each kind of mark."""

from typing import Any

from matplotlib.axes import Axes

from gdviz.pictures.ellipses import ellipses
from gdviz.pictures.limits import hold_log, hold_steps, usual
from gdviz.player.contours import Contours
from gdviz.player.marks import Arrow, Curve, Line, Mark, Path, Points, Text
from gdviz.player.stage import Stage


class Drawing(Stage):
    """A stage on which marks are drawn. Each takes an array with one axis for each slider, then its own axes."""

    def path(self, ax: Axes, array: Any, **look: Any) -> Mark:
        """The way up to the current step with a head. It grows along the first slider that is a range.

        Args:
            ax: an Axes of the player's figure.
            array: (*sliders, 2), or (*sliders, 3) on a 3-D Axes.
            look: color; dash, on and off in line widths; marker, one of o s ^ D +; width of the line, size of the head
                and dots for the steps (0: none) in px; label, a word at the head.

        Returns:
            The mark; mark.set_data(array) replaces its array.

        Raises:
            ValueError: the array has another shape, no slider is a range, or an unknown look.

        Example:
            >>> from gdviz.player import Player
            >>> figure, ax = plt.subplots(figsize=(5, 4))
            >>> _ = ax.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))
            >>> player = Player(figure, {"step": range(41)})
            >>> turn = torch.linspace(0, 6, 41)
            >>> _ = player.path(ax, torch.stack([turn.cos(), turn.sin()], -1))
        """
        self._positions.steps("path")
        return self._add(Path, ax, array, look)

    def curve(self, ax: Axes, array: Any, **look: Any) -> Mark:
        """Numbers against the step, drawn up to the current one.

        Limits that nobody has set hold all steps, and values up to 1000 times the largest first.

        Args:
            ax: an Axes of the player's figure.
            array: (*sliders,), such as trajectory.losses.
            look: as for path.

        Returns:
            The mark; mark.set_data(array) replaces its array.

        Raises:
            ValueError: as for path.

        Example:
            >>> from gdviz.player import Player
            >>> figure, ax = plt.subplots(figsize=(5, 4))
            >>> player = Player(figure, {"step": range(21), "rate": [0.1, 0.2, 0.4]})
            >>> _ = player.curve(ax, torch.exp(-torch.arange(21.0)[:, None] * torch.tensor([0.1, 0.2, 0.4])))
        """
        mark = self._add(Curve, ax, array, look)
        if not self.picture:
            _fit(ax, mark.array, self.trail)
        return mark

    def line(self, ax: Axes, array: Any, **look: Any) -> Mark:
        """A whole line for each position, such as the fitted one; NaN makes a gap.

        Args:
            ax: an Axes of the player's figure.
            array: (*sliders, n, 2).
            look: color, dash, width; cap, round or butt, how its ends are drawn.

        Returns:
            The mark; mark.set_data(array) replaces its array.

        Raises:
            ValueError: the array has another shape, or an unknown look.

        Example:
            >>> from gdviz.player import Player
            >>> figure, ax = plt.subplots(figsize=(5, 4))
            >>> player = Player(figure, {"slope": [-1, 0, 1]})
            >>> _ = player.line(ax, [[[0, 0.5], [1, -0.5]], [[0, 0.5], [1, 0.5]], [[0, 0.5], [1, 1.5]]])
        """
        return self._add(Line, ax, array, look)

    def ellipse(self, ax: Axes, centre: Any, covariance: Any, *, share: float = 0.95, **look: Any) -> Mark:
        """The ellipse that holds this share of a normal cloud. What is not finite is not drawn.

        Args:
            ax: an Axes of the player's figure.
            centre: (*sliders, 2).
            covariance: (*sliders, 2, 2).
            share: between 0 and 1.
            look: color, dash, width.

        Returns:
            The mark, a line.

        Raises:
            ValueError: an array has another shape, or an unknown look.

        Example:
            >>> from gdviz.player import Player
            >>> figure, ax = plt.subplots(figsize=(5, 4))
            >>> _ = ax.set(xlim=(-8, 8), ylim=(-5, 5))
            >>> player = Player(figure, {"variance along x": [1, 4, 9]})
            >>> _ = player.ellipse(ax, torch.zeros(3, 2), torch.diag_embed(torch.tensor([[1.0, 1], [4, 1], [9, 1]])))
        """
        centre = self._positions.fitting("centre", centre, 2)
        covariance = self._positions.fitting("covariance", covariance, 2, 2)
        return self.line(ax, ellipses(centre, covariance, share), **look)

    def points(self, ax: Axes, array: Any, **look: Any) -> Mark:
        """Separate points for each position.

        Args:
            ax: an Axes of the player's figure.
            array: (*sliders, n, 2).
            look: color, marker, size; casing, the px of halo around each, which separate them from what they lie on.

        Returns:
            The mark; mark.set_data(array) replaces its array.

        Raises:
            ValueError: the array has another shape, or an unknown look.

        Example:
            >>> from gdviz.player import Player
            >>> figure, ax = plt.subplots(figsize=(5, 4))
            >>> _ = ax.set(xlim=(-3, 3), ylim=(-3, 3))
            >>> player = Player(figure, {"step": range(31)})
            >>> walk = torch.randn(31, 60, 2, generator=torch.Generator().manual_seed(0)).cumsum(0) / 8
            >>> _ = player.points(ax, walk)
        """
        return self._add(Points, ax, array, look)

    def arrow(self, ax: Axes, array: Any, **look: Any) -> Mark:
        """An arrow for each position.

        Args:
            ax: an Axes of the player's figure.
            array: (*sliders, 2, 2), its tail and its tip.
            look: color, width.

        Returns:
            The mark; mark.set_data(array) replaces its array.

        Raises:
            ValueError: the array has another shape, or an unknown look.

        Example:
            >>> from gdviz.player import Player
            >>> figure, ax = plt.subplots(figsize=(5, 4))
            >>> _ = ax.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))
            >>> player = Player(figure, {"hour": range(13)})
            >>> turn = torch.arange(13) * torch.pi / 6
            >>> tips = torch.stack([turn.sin(), turn.cos()], -1)
            >>> _ = player.arrow(ax, torch.stack([torch.zeros_like(tips), tips], -2))
        """
        return self._add(Arrow, ax, array, look)

    def contours(self, ax: Axes, surface: Any, *, n: int = 101, **look: Any) -> Contours:
        """Lines of equal loss below all other marks, for a loss that can be changed; else plots.contours draws them.

        Args:
            ax: an Axes of the player's figure.
            surface: of two parameters, such as gdviz.surfaces.bowl().
            n: points of the mesh along each side.
            look: color; width; levels, how many lines or their heights, as for plots.contours.

        Returns:
            The mark; mark.set_data(mark.mesh()) takes the loss as it is now.

        Raises:
            ValueError: an unknown look, levels that are neither a number of lines nor heights.

        Example:
            >>> from gdviz.optimizers import Range
            >>> from gdviz.player import Player
            >>> from gdviz.surfaces import bowl
            >>> figure, ax = plt.subplots(figsize=(5, 4))
            >>> bowls = bowl(Range(1, 30, value=10))
            >>> _ = ax.set(xlim=bowls.xlim, ylim=bowls.ylim)
            >>> player = Player(figure, {"step": range(2)})
            >>> _ = player.contours(ax, bowls)
        """
        return self._add(Contours, ax, surface, look, n)

    def text(self, ax: Axes, array: Any, template: str = "{:.3g}", *, diverged: Any = False, **look: Any) -> Mark:
        """Words with numbers. Where a number is not finite, or the run diverges, the readout says so.

        Args:
            ax: an Axes of the player's figure.
            array: (*sliders,) for one field such as {:.3g} in the template, else (*sliders, fields).
            template: words with fields. A field {:no|yes} is a choice: its number, counted from 0 and never NaN, says
                which of the words is shown.
            diverged: bool (*sliders), each axis may be 1; or one for all.
            look: color; size in px; at, the place in the Axes from (0, 0) lower left to (1, 1) of the text's top and of
                its align (left, center, right).

        Returns:
            The mark; mark.set_data(array, diverged=...) replaces both.

        Raises:
            ValueError: the array has another shape, a field is not one, or an unknown look.

        Example:
            >>> from gdviz.player import Player
            >>> figure, ax = plt.subplots(figsize=(5, 4))
            >>> player = Player(figure, {"step": range(11)})
            >>> _ = player.text(ax, 0.5 ** torch.arange(11.0), "loss {:.2e}")
            >>> print(player.describe())
            Sliders: step 0 to 10. Shown: step 0, loss 1.00e+00.
        """
        return self._add(Text, ax, array, look, template, diverged=diverged)


def _fit(ax: Axes, points: Any, trail: int) -> None:
    """Widen limits that nobody has set to hold a curve: all of its steps, and the numbers that a window holds."""
    hold_steps(ax, points[..., 0])
    ax.update_datalim(points[usual(points[..., 1], trail)])
    if ax.get_yscale() == "log":
        hold_log(ax)
    else:
        ax.autoscale_view(scalex=False)
