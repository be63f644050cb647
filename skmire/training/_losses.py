"""Losses, elementwise in predictions and scaled targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

# Where the Huber loss turns from squared to linear, in scaled values.
_HUBER_DELTA = 0.1


#: Log-odds in a unit of the values that the logistic loss sees: a network starts within a unit of 0
#: and ends within a few.
LOG_ODDS = 4.0


@dataclass(frozen=True)
class Loss:
    """A function of predictions and targets.

    Attributes
    ----------
    value, slope : callable
        The loss and its derivative by the prediction, elementwise, from predictions and targets;
        each returns a new tensor.
    of_labels : bool
        Whether targets are labels, by their signs.
    is_robust : bool
        Whether it grows in proportion to large residuals, so that outliers count for little.
    """

    value: Callable[[Tensor, Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]
    of_labels: bool = False
    is_robust: bool = False


def _of_residual(
    value: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor], *, is_robust: bool = False
) -> Loss:
    """Return a loss of prediction minus target."""
    return Loss(
        lambda values, targets: value(values - targets),
        lambda values, targets: slope(values - targets),
        is_robust=is_robust,
    )


def _huber(residual: Tensor) -> Tensor:
    size = residual.abs()
    inside = size.clamp(max=_HUBER_DELTA)
    return inside * (2 * size - inside)


def _logistic(values: Tensor, targets: Tensor) -> Tensor:
    return F.softplus(-LOG_ODDS * targets.sign() * values)


def _logistic_slope(values: Tensor, targets: Tensor) -> Tensor:
    signed = -LOG_ODDS * targets.sign()
    return (signed * values).sigmoid_().mul_(signed)


#: By name. "huber" equals "squared" for small residuals.
LOSSES: dict[str, Loss] = {
    "squared": _of_residual(lambda residual: residual.square(), lambda residual: 2 * residual),
    "huber": _of_residual(
        _huber,
        lambda residual: 2 * residual.clamp(-_HUBER_DELTA, _HUBER_DELTA),
        is_robust=True,
    ),
    "absolute": _of_residual(
        lambda residual: residual.abs(), lambda residual: residual.sign(), is_robust=True
    ),
    "logistic": Loss(_logistic, _logistic_slope, of_labels=True),
}
