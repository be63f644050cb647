"""What is said of a fit that had hardly begun when its time was up."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from skmire.search import Candidate
from skmire.training import Samples

_EARLY = 50  # steps
_FEW = 5  # epochs that are planned: fewer are meant to be few


def warn_of_a_fit_hardly_begun(encoder: Any, fit: Candidate, samples: Samples) -> None:
    """Warn if the time limit ended the training of the fit in its first steps.

    Parameters
    ----------
    encoder : BaseEncoder
        Fitted. Its `max_epochs` are what is planned by searches that do not tell.
    fit : Candidate
        That which was kept.
    samples : Samples
        Those it was trained on.
    """
    planned = fit.planned or encoder.max_epochs
    steps = fit.epochs * -(-len(samples) // encoder.trainer_.batch_size_for(samples))
    if fit.training.outcome == "time limit" and steps <= _EARLY and planned >= _FEW:
        warnings.warn(
            f"The time limit of {encoder.time_limit:g} s ended the fit after {fit.epochs} of "
            f"{planned} epochs, so that it may be far from the values. Raise time_limit, or give "
            "the search less to do: fewer atoms, a smaller hidden_width.",
            ConvergenceWarning,
            stacklevel=6,
        )
