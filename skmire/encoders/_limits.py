"""What is said of a fit that had hardly begun when its time was up."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from skmire.search import Candidate

_EARLY = 3  # epochs
_FEW = 5  # that are planned: fewer are meant to be few


def warn_of_a_fit_hardly_begun(encoder: Any, fit: Candidate) -> None:
    """Warn if the time limit ended the training of the fit in one of its first epochs.

    Parameters
    ----------
    encoder : BaseEncoder
        Its `max_epochs` are what is planned by searches that do not tell.
    fit : Candidate
        That which was kept.
    """
    planned = fit.planned or encoder.max_epochs
    if fit.training.outcome == "time limit" and fit.epochs <= _EARLY and planned >= _FEW:
        warnings.warn(
            f"The time limit of {encoder.time_limit:g} s ended the fit after {fit.epochs} of "
            f"{planned} epochs, so that it may be far from the values. Raise time_limit, or give "
            "the search less to do: fewer atoms, a smaller hidden_width.",
            ConvergenceWarning,
            stacklevel=6,
        )
