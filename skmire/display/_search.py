"""The search as a picture: candidates round by round, or the curves of a growth."""

from __future__ import annotations

from itertools import cycle, product
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skmire._optional import require
from skmire.display._rounds import Rounds
from skmire.encoders import MIREncoder
from skmire.metrics import decibels
from skmire.search import Candidate
from skmire.search._result import BATCHES, MEMBERS

Array = NDArray[np.float64]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "0.6")
_WIDE = 4.0  # from the lowest loss to the highest; with less there is no need for a logarithm
_DECADES = 1e3  # with more, labels stand at powers of ten alone
_LEAST = 1e-20  # losses below are 0 but for rounding, and have no logarithm


class SearchDisplay:
    """How the candidates of a search did.

    Of a search in rounds of whole sequences: a strip for each round, from the first on top to the
    fit, and in it a line for each candidate, at what it was judged by. Better is further right. A
    line runs through those that led, round after round.

    Of a growth, whose networks gain a layer from stage to stage: quality against epochs along its
    path, with every candidate's curve.

    Made by `from_estimator`.

    Parameters
    ----------
    trace : sequence of Candidate
        The candidates.
    curves : sequence of ndarray
        Of each candidate, the quality on the samples trained on, after each of its epochs.
    judged : sequence of float
        Of each candidate, the quality of its best state on the samples that it was judged by.
    fitted : sequence of float
        The same on the samples trained on.
    quality : {"loss", "PSNR (dB)"}
        What is shown.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Of the last plot.
    figure_ : matplotlib Figure
        That holds it.

    Notes
    -----
    Sequences are abbreviated: ``sinc²-gabor × 0.5`` are two layers of sinc and one of gabor, the
    first of which started at half its matched scale. A second and a third number are the factors of
    the scales of hidden layers, and of the steps between these.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import MIREncoder
    >>> from skmire.display import SearchDisplay
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> encoder = MIREncoder(["sinc", "gaussian"], max_epochs=8, hidden_width=32)
    >>> display = SearchDisplay.from_estimator(encoder.fit(x, np.sin(9 * x[:, 0])))
    >>> display.ax_.get_xlabel()
    'loss on samples held out (4/5) and trained on (1/5), falling to the right'
    """

    def __init__(
        self,
        *,
        trace: tuple[Candidate, ...],
        curves: list[Array],
        judged: list[float],
        fitted: list[float],
        quality: str,
    ) -> None:
        self.trace = trace
        self.curves = curves
        self.judged = judged
        self.fitted = fitted
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
            Where to draw; ``None`` makes a figure, as high as the candidates need.

        Returns
        -------
        display : SearchDisplay
        """
        check_is_fitted(estimator)
        trace = estimator.search_result_.trace
        squares = estimator.value_scaling_.half_range**2

        def shown(losses: Array) -> Array:
            if data_range is None:
                return np.asarray(np.maximum(losses.mean(axis=-1), _LEAST))
            return decibels(data_range**2, np.maximum((losses * squares).mean(axis=-1), _LEAST))

        return cls(
            trace=trace,
            curves=[shown(c.training.curve) for c in trace],
            judged=[float(shown(c.training.kept.losses(c.judge))) for c in trace],
            fitted=[float(shown(c.training.kept.train)) for c in trace],
            quality="loss" if data_range is None else "PSNR (dB)",
        ).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the candidates.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure, as high as the candidates need.

        Returns
        -------
        self : SearchDisplay
            With the axes and the figure it drew on.
        """
        pyplot = require("matplotlib.pyplot", extra="plot", purpose="SearchDisplay")
        # The stages of a growth have the names of layers, each that of its own.
        grown = ("", MEMBERS, BATCHES)
        in_rounds = any(c.stage not in (*grown, f"layer {c.layer}") for c in self.trace)
        rounds = self._rounds() if in_rounds else None
        if ax is None:
            size = (8.0, rounds.height) if rounds else None
            _, ax = pyplot.subplots(figsize=size, layout="constrained")
        if rounds:
            self._plot_rounds(ax, rounds)
        else:
            self._plot_growth(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @property
    def _held_out(self) -> bool:
        """Whether held-out samples judged."""
        return any(_judged_on_held_out(c) for c in self.trace)

    def _rounds(self) -> Rounds:
        """Return the rounds, with what does not compare with the rest told and not drawn."""
        judged, notes = list(self.judged), {}
        for i, c in enumerate(self.trace):
            if c.training.diverged:
                judged[i], notes[i] = np.nan, "diverged"
            elif self._held_out and not _judged_on_held_out(c):
                value = (
                    f"{self.fitted[i]:.3g}"
                    if self.quality == "loss"
                    else f"{self.fitted[i]:.1f} dB"
                )
                judged[i], notes[i] = np.nan, f"{value} on the samples trained on"
        return Rounds(self.trace, judged, notes)

    def _plot_rounds(self, ax: Any, rounds: Rounds) -> None:
        rounds.draw(ax)
        judges = {c.judge for c in self.trace if _judged_on_held_out(c)}
        where = "the samples held out" if judges else "the samples trained on"
        if "both" in judges:
            where = "samples held out (4/5) and trained on (1/5)"
        if self.quality == "loss":
            ratio = np.nanmax(rounds.judged) / np.nanmin(rounds.judged)
            if ratio > _WIDE:
                ax.set_xscale("log", subs=[])
                ax.xaxis.get_major_locator().set_params(
                    subs=(1, 2, 5) if ratio < _DECADES else (1,)
                )
                ax.xaxis.set_major_formatter("{x:g}")
            ax.xaxis.set_inverted(True)
            ax.set_xlabel(f"loss on {where}, falling to the right")
        else:
            ax.set_xlabel(f"PSNR on {where}, in dB")

    def _plot_growth(self, ax: Any) -> None:
        """Draw the curves of all candidates along the path."""
        atoms = dict.fromkeys(c.atom for c in self.trace)
        looks = cycle((colour, line) for line, colour in product(("-", "--", ":"), _COLOURS))
        look = dict(zip(atoms, looks, strict=False))
        pairs = zip(self.trace, self.curves, strict=True)
        grown = [(c, curve) for c, curve in pairs if c.stage != MEMBERS]
        for candidate, curve in grown:
            end = candidate.effective_epochs
            epochs = np.arange(end - len(curve), end) + 1
            style = {"lw": 2.5, "zorder": 3} if candidate.chosen else {"lw": 1, "alpha": 0.7}
            colour, line = look[candidate.atom]
            ax.plot(epochs, curve, color=colour, ls=line, **style)
        for stage in [c for c, _ in grown if c.chosen]:
            ax.axvline(stage.effective_epochs + 0.5, color="0.8", lw=0.8, zorder=0)
            ax.annotate(
                f"layer {stage.layer}: {stage.atom}",
                (stage.effective_epochs - stage.epochs / 2, 1.01),
                xycoords=("data", "axes fraction"),
                ha="center",
                fontsize="small",
            )
        for atom, (colour, line) in look.items():
            ax.plot([], [], color=colour, ls=line, label=atom)
        ax.legend(fontsize="small", ncols=2, frameon=False)
        if self.quality == "loss":
            ax.set_yscale("log")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel="effective epochs", ylabel=f"training {self.quality}")


def _judged_on_held_out(candidate: Candidate) -> bool:
    """Return whether held-out samples had a part in its loss."""
    return candidate.training.kept.held_out is not None and candidate.judge != "train"
