"""Divergence, noticed within a few steps and answered."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from torch import Tensor

from skmire.networks import Field
from skmire.training._record import Array

#: Steps to a window, at most, and windows to a stretch.
WINDOW, STRETCH = 8, 16
_RISE = 3.0
_FLOOR = 0.25  # of the loss of the constant fit: below, a rise is not a loss of the fit
_CREEP = 1.5  # times the least loss of an epoch, if it stays there (benchmarks/returns.py)
_SMALLER = 0.3
_MOST = 10


class Guard:
    """Watches the loss, and takes the network back when it has lost the fit.

    The loss counts in windows of a few steps, and these in stretches, an epoch or a part of one. A
    window that is not finite is an alarm. One that is far above the highest of the best stretch and
    near the loss of a constant, too, is a suspicion: where values are rare events, windows differ
    that much. So a fixed part of the samples is then looked at, and must be as far above the mean
    of the best stretch. After an alarm the network is as it was before the best stretch, whose
    losses say that this is a good state, and the step size is lessened for the rest.

    The same is done where the loss of a good fit creeps up, and whole epochs stay above the best
    one: steps are then so large that they undo what they have gained.

    Parameters
    ----------
    field : Field
    constant : float
        Loss of the constant fit.
    look : callable
        Returns the field's present loss on a fixed part of the samples.
    patience : float
        Epochs in a row above the best that are a creep.

    Attributes
    ----------
    n_returns : int
        How often it has taken the network back.
    n_alarms : int
        How often because the fit was lost.
    best_losses : ndarray of shape (n_outputs,)
        Of the best stretch, NaN before there is one.
    """

    def __init__(
        self, field: Field, *, constant: float, look: Callable[[], float], patience: float
    ) -> None:
        self.n_returns = self.n_alarms = 0
        self.best_losses: Array = np.array([math.nan])
        self._field, self._look = field, look
        self._floor = _FLOOR * constant
        initial = look()
        self._best = self._reference = max(constant, initial if math.isfinite(initial) else 0.0)
        self._highest = 0.0
        self._start = self._safe = state_of(field)
        self._patience, self._best_epoch, self._n_above = patience, math.inf, 0

    @property
    def factor(self) -> float:
        """By what the step size has been lessened."""
        return _SMALLER**self.n_returns

    @property
    def gave_up(self) -> bool:
        """Whether the fit was lost too often."""
        return self.n_alarms > _MOST

    def accepts(self, loss: float) -> bool:
        """Judge the steps since the last call; take the network back if they lost the fit.

        Parameters
        ----------
        loss : float
            Their mean, each before its update.

        Returns
        -------
        accepted : bool
            If not, the step size must be lessened.
        """
        usual = loss <= max(_RISE * self._reference, self._floor)
        if usual or (math.isfinite(loss) and not self.is_lost(self._look())):
            self._highest = max(self._highest, loss)
            return True
        self._return()
        self.n_alarms += 1
        return False

    def is_lost(self, loss: float) -> bool:
        """Return whether a loss over many samples, or NaN, says that the fit is lost."""
        return not loss <= max(_RISE * self._best, self._floor)

    def take_back(self) -> None:
        """Give the network the state from before the best stretch."""
        self._field.load_state_dict(self._safe)
        self._start, self._highest = self._safe, 0.0

    def end_stretch(self, losses: Array) -> None:
        """Take the mean losses of a stretch into account, output by output."""
        loss = float(losses.mean())
        if np.isnan(self.best_losses).any() or loss < self._best:
            self.best_losses, self._best = losses, loss
            self._reference, self._safe = max(self._highest, loss), self._start
        self._start, self._highest = state_of(self._field), 0.0

    def end_epoch(self, loss: float) -> bool:
        """Judge an epoch by its mean loss; take the network back if that has crept up.

        Parameters
        ----------
        loss : float

        Returns
        -------
        accepted : bool
            If not, the step size must be lessened.
        """
        self._best_epoch = min(self._best_epoch, loss)
        self._n_above = self._n_above + 1 if loss > _CREEP * self._best_epoch else 0
        if self._n_above < self._patience:
            return True
        self._return()
        return False

    def _return(self) -> None:
        self.take_back()
        self.n_returns += 1
        self._n_above = 0


def state_of(field: Field) -> dict[str, Tensor]:
    """Return a copy of the parameters."""
    return {name: value.clone() for name, value in field.state_dict().items()}
