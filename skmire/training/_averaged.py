"""The weights of a network, averaged over the epochs that it trains."""

from __future__ import annotations

from typing import cast

from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from skmire.networks import Field

_POWER = 8


class Averaged:
    """A network whose parameters are the mean of another one's after each epoch.

    The mean has the weights ``epoch ** 8``, or nearly so: it counts about the last ninth of the
    epochs, however many there are.

    Parameters
    ----------
    field : Field
        The one that trains.

    Attributes
    ----------
    field : Field
        The average.
    """

    def __init__(self, field: Field) -> None:
        device = next(field.parameters()).device  # a copy of a field is on the CPU
        self._model = AveragedModel(field, device, avg_fn=_towards)
        self.field = cast(Field, self._model.module)
        self._since = 0

    def add(self, field: Field, *, since: int) -> None:
        """Take the present state into account; it is the first one if `since` has changed.

        Parameters
        ----------
        field : Field
            The one that trains.
        since : int
            How often it was taken back to an earlier state, which is not to be averaged with those
            that it was taken back from.
        """
        if since != self._since:
            self._model.n_averaged.zero_()
            self._since = since
        self._model.update_parameters(field)


def _towards(mean: Tensor, new: Tensor, n_averaged: Tensor | int) -> Tensor:
    n = int(n_averaged) + 1
    return mean + (new - mean) * ((_POWER + 1) / (n + _POWER))
