"""Losses, elementwise in the scaled targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

# Where the Huber loss turns from squared to linear, as a share of the targets' largest deviation.
_HUBER_DELTA = 0.1


@dataclass(frozen=True)
class Loss:
    """A function of the residual, prediction minus target.

    Attributes
    ----------
    value, slope : callable
        The loss and its derivative, elementwise; each returns a new tensor.
    """

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]


def _huber(residual: Tensor) -> Tensor:
    size = residual.abs()
    inside = size.clamp(max=_HUBER_DELTA)
    return inside * (2 * size - inside)


#: By name. "huber" equals "squared" for small residuals.
LOSSES: dict[str, Loss] = {
    "squared": Loss(lambda residual: residual.square(), lambda residual: 2 * residual),
    "huber": Loss(_huber, lambda residual: 2 * residual.clamp(-_HUBER_DELTA, _HUBER_DELTA)),
    "absolute": Loss(lambda residual: residual.abs(), lambda residual: residual.sign()),
}
