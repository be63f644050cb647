"""The search as a picture: how candidates stand, round by round, or their curves."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skmire._optional import require
from skmire.encoders import MIREncoder
from skmire.metrics import decibels
from skmire.search import Candidate

Array = NDArray[np.float64]


class SearchDisplay:
    """How the candidates of a search did.

    Of a search in rounds of whole sequences, the quality that each candidate was judged by, round
    by round, with the best of each round named. Of a growth, whose networks gain a layer from stage
    to stage, quality against epochs along its path.

    Made by `from_estimator`.

    Parameters
    ----------
    trace : sequence of Candidate
        The candidates.
    curves : sequence of ndarray
        Of each candidate, the quality after each of its epochs.
    judged : sequence of float
        Of each candidate, the quality of its best state: on held-out samples if there are any.
    quality : str
        What is shown, for the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Of the last plot.
    figure_ : matplotlib Figure
        That holds it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import MIREncoder
    >>> from skmire.display import SearchDisplay
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> encoder = MIREncoder(["sinc", "gaussian"], max_epochs=8, hidden_width=32)
    >>> display = SearchDisplay.from_estimator(encoder.fit(x, np.sin(9 * x[:, 0])))
    >>> display.ax_.get_ylabel()
    'judged loss'
    """

    def __init__(
        self,
        *,
        trace: tuple[Candidate, ...],
        curves: list[Array],
        judged: list[float],
        quality: str,
    ) -> None:
        self.trace = trace
        self.curves = curves
        self.judged = judged
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
        squares = estimator.value_scaling_.half_range**2

        def shown(losses: Array) -> Array:
            if data_range is None:
                return np.asarray(losses.mean(axis=-1))
            return decibels(data_range**2, (losses * squares).mean(axis=-1))

        states = [c.training.kept for c in trace]
        return cls(
            trace=trace,
            curves=[shown(c.training.curve) for c in trace],
            judged=[float(shown(s.train if s.held_out is None else s.held_out)) for s in states],
            quality="loss" if data_range is None else "PSNR (dB)",
        ).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the candidates.

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
            _, ax = pyplot.subplots(layout="constrained")
        if len({c.layer for c in self.trace}) > 1:
            self._plot_growth(ax)
        else:
            self._plot_rounds(ax)
        if self.quality == "loss":
            ax.set_yscale("log")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_rounds(self, ax: Any) -> None:
        """Draw a column of points for each round, and name the best."""
        rounds = [stage for stage in dict.fromkeys(c.stage for c in self.trace) if stage != "fit"]
        rounds = rounds or ["fit"]
        losses = self.quality == "loss"
        for place, stage in enumerate(rounds):
            rows = [i for i, c in enumerate(self.trace) if c.stage == stage and np.isfinite(c.loss)]
            rows.sort(key=lambda i: self.trace[i].loss)
            x = place + (np.linspace(-0.25, 0.25, len(rows)) if len(rows) > 1 else np.zeros(1))
            y = [self.judged[i] for i in rows]
            ax.plot(x[1:], y[1:], "o", color="C0", ms=5, alpha=0.6)
            ax.plot(x[0], y[0], "o", color="C1", ms=8)
            ax.annotate(
                _short(self.trace[rows[0]].atom),
                (x[0], y[0]),
                xytext=(0, -8 if losses else 8),
                textcoords="offset points",
                ha="center",
                va="top" if losses else "bottom",
                fontsize="x-small",
            )
        ax.margins(x=0.1, y=0.3)
        ax.set_xticks(range(len(rounds)), rounds)
        chosen = next(c for c in self.trace if c.chosen)
        ax.set_title(f"fit: {chosen.atom}", fontsize="medium")
        ax.set_ylabel(f"judged {self.quality}")

    def _plot_growth(self, ax: Any) -> None:
        """Draw the curves of all candidates along the path."""
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
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel="effective epochs", ylabel=f"training {self.quality}")


def _short(sequence: str) -> str:
    """Return a sequence as a column of names, that of a single atom in a line."""
    names = sequence.split("-")
    return f"{names[0]} × {len(names)}" if len(set(names)) == 1 else "\n".join(names)
