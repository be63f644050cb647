"""The search as a picture: every candidate's curve, layer by layer."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skmire._optional import require
from skmire.encoders import MIREncoder
from skmire.metrics import decibels
from skmire.search import Candidate


class SearchDisplay:
    """Quality against epochs along the path of the search, with every candidate's curve.

    Made by `from_estimator`.

    Parameters
    ----------
    trace : sequence of Candidate
        The candidates.
    curves : sequence of ndarray
        Of each candidate, the quality after each of its epochs.
    quality : str
        What the curves show, for the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Of the last plot.
    figure_ : matplotlib Figure
        That holds it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import LayerSearch, MIREncoder
    >>> from skmire.display import SearchDisplay
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> encoder = MIREncoder(["sinc", "gaussian"], LayerSearch(n_layers=2), max_epochs=8)
    >>> display = SearchDisplay.from_estimator(encoder.fit(x, np.sin(9 * x[:, 0])))
    >>> display.ax_.get_xlabel()
    'effective epochs'
    """

    def __init__(
        self,
        *,
        trace: tuple[Candidate, ...],
        curves: list[NDArray[np.float64]],
        quality: str,
    ) -> None:
        self.trace = trace
        self.curves = curves
        self.quality = quality

    @classmethod
    def from_estimator(
        cls, estimator: MIREncoder, *, data_range: float | None = None, ax: Any = None
    ) -> Self:
        """Draw the search of a fitted encoder.

        Parameters
        ----------
        estimator : MIREncoder
            Fitted.
        data_range : float, default=None
            Peak-to-peak range of the signal, to show PSNR in decibels (exact for the squared
            loss). ``None`` shows the loss on the scaled values.
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.

        Returns
        -------
        display : SearchDisplay
        """
        check_is_fitted(estimator)
        trace = estimator.search_result_.trace
        if data_range is None:
            curves = [c.training.curve.mean(axis=1) for c in trace]
            quality = "training loss"
        else:
            squares = estimator.value_scaling_.half_range**2
            curves = [
                decibels(data_range**2, (c.training.curve * squares).mean(axis=1)) for c in trace
            ]
            quality = "training PSNR (dB)"
        return cls(trace=trace, curves=curves, quality=quality).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.

        Returns
        -------
        self : SearchDisplay
            With the axes and the figure it drew on.
        """
        pyplot = require("matplotlib.pyplot", extra="plot", purpose="SearchDisplay")
        if ax is None:
            _, ax = pyplot.subplots()
        atoms = list(dict.fromkeys(c.atom for c in self.trace))
        colours = {atom: f"C{i % 10}" for i, atom in enumerate(atoms)}
        for candidate, curve in zip(self.trace, self.curves, strict=True):
            end = candidate.effective_epochs
            epochs = np.arange(end - len(curve), end) + 1
            style = {"lw": 2.5, "zorder": 3} if candidate.chosen else {"lw": 1, "alpha": 0.6}
            ax.plot(epochs, curve, color=colours[candidate.atom], **style)
        for stage in [c for c in self.trace if c.chosen]:
            ax.axvline(stage.effective_epochs + 0.5, color="0.8", lw=0.8, zorder=0)
            ax.annotate(
                f"layer {stage.layer}: {stage.atom}",
                (stage.effective_epochs - stage.epochs / 2, 1.01),
                xycoords=("data", "axes fraction"),
                ha="center",
                fontsize="small",
            )
        for atom, colour in colours.items():
            ax.plot([], [], color=colour, label=atom)
        ax.legend(fontsize="small", ncols=2, frameon=False)
        if self.quality == "training loss":
            ax.set_yscale("log")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel="effective epochs", ylabel=self.quality)
        self.ax_, self.figure_ = ax, ax.figure
        return self
