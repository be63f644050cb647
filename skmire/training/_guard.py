"""Divergence, noticed within a few steps and answered."""

from __future__ import annotations

import math

from torch import Tensor

from skmire.networks import Field

#: Steps to a window.
WINDOW = 8
_RISE = 3.0  # over the highest window of the best epoch
_FLOOR = 0.25  # of the loss of the constant fit: below, a rise is not a loss of the fit
_SMALLER = 0.3
_MOST = 10


class Guard:
    """Watches the loss step by step, and takes the network back when it has lost the fit.

    The loss counts in windows of a few steps. A window is too high if it is not finite, or far
    above the highest of the best epoch so far and near the loss of a constant, too. (Far above the
    lowest would not do: where values are rare events, windows differ much.) The network then
    returns to the state at the start of its best window.

    Parameters
    ----------
    field : Field
    constant : float
        Loss of the constant fit.
    initial : float
        Loss of the field as it is.

    Attributes
    ----------
    n_returns : int
        How often it has taken the network back.
    best_losses : Tensor of shape (n_outputs,) or None
        Of the best window, ``None`` before there is one.
    """

    def __init__(self, field: Field, *, constant: float, initial: float) -> None:
        self.n_returns = 0
        self.best_losses: Tensor | None = None
        self._field, self._constant = field, constant
        self._reference = max(constant, initial)
        self._best, self._best_epoch, self._highest = math.inf, math.inf, 0.0
        self._start = self._best_state = state_of(field)

    @property
    def factor(self) -> float:
        """By what the step size has been lessened."""
        return _SMALLER**self.n_returns

    @property
    def gave_up(self) -> bool:
        """Whether it has returned too often."""
        return self.n_returns > _MOST

    def accepts(self, losses: Tensor) -> bool:
        """Judge the steps since the last call; take the network back if they lost the fit.

        Parameters
        ----------
        losses : Tensor of shape (n_outputs,)
            Their mean, each before its update.

        Returns
        -------
        accepted : bool
            If not, the network is at its best state and the step size must be lessened.
        """
        loss = float(losses.mean())
        if loss <= max(_RISE * self._reference, _FLOOR * self._constant):  # which NaN is not
            if loss < self._best:
                self._best, self.best_losses, self._best_state = loss, losses, self._start
            self._highest = max(self._highest, loss)
            self._start = state_of(self._field)
            return True
        self._field.load_state_dict(self._best_state)
        self._start = self._best_state
        self.n_returns += 1
        return False

    def end_epoch(self, loss: float) -> None:
        """Take an epoch's loss, the mean over its steps, into account."""
        if loss < self._best_epoch:
            self._best_epoch, self._reference = loss, self._highest
        self._highest = 0.0


def state_of(field: Field) -> dict[str, Tensor]:
    """Return a copy of the parameters."""
    return {name: value.clone() for name, value in field.state_dict().items()}
