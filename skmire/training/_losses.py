"""Losses, elementwise in the scaled targets."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

# Where the Huber loss turns from squared to linear, as a share of the targets' largest deviation.
_HUBER_DELTA = 0.1


def _squared(predicted: Tensor, target: Tensor) -> Tensor:
    return (predicted - target).square()


def _huber(predicted: Tensor, target: Tensor) -> Tensor:
    return 2 * functional.huber_loss(predicted, target, reduction="none", delta=_HUBER_DELTA)


def _absolute(predicted: Tensor, target: Tensor) -> Tensor:
    return (predicted - target).abs()


#: Elementwise losses by name, on the scaled targets; "huber" equals "squared" for small residuals.
LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "squared": _squared,
    "huber": _huber,
    "absolute": _absolute,
}
