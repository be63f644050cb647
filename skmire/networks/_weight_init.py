"""How the weights of an affine map start."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Place:
    """Where in a network an affine map stands.

    Parameters
    ----------
    in_features, out_features : int
    first : bool
        Whether it reads the coordinates.
    scale : float
        By how much the atom behind it stretches its values; that before it, if it is the last.
    """

    in_features: int
    out_features: int
    first: bool
    scale: float


#: From the place and the source of random numbers to a weight, (out_features, in_features), in
#: float64.
WeightInit = Callable[[Place, torch.Generator], Tensor]


def uniform(bound: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return draws from U(-bound, bound) in float64."""
    return (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1) * bound


def _uniform(bound: Callable[[Place], float]) -> WeightInit:
    return lambda place, generator: uniform(
        bound(place), (place.out_features, place.in_features), generator
    )


def _normal(deviation: Callable[[Place], float]) -> WeightInit:
    def draw(place: Place, generator: torch.Generator) -> Tensor:
        shape = place.out_features, place.in_features
        return torch.randn(shape, generator=generator, dtype=torch.float64) * deviation(place)

    return draw


def _siren(place: Place) -> float:
    if place.first:
        return 1 / place.in_features
    return math.sqrt(6 / place.in_features) / (abs(place.scale) or 1.0)


def _orthogonal(place: Place, generator: torch.Generator) -> Tensor:
    weight = torch.empty(place.out_features, place.in_features, dtype=torch.float64)
    return torch.nn.init.orthogonal_(weight, generator=generator)


#: By name; n is the number of inputs, m that of outputs.
WEIGHT_INITS: dict[str, WeightInit] = {
    "torch": _uniform(lambda place: place.in_features**-0.5),
    "siren": _uniform(_siren),
    "xavier": _uniform(lambda place: (6 / (place.in_features + place.out_features)) ** 0.5),
    "kaiming": _normal(lambda place: (2 / place.in_features) ** 0.5),
    "normal": _normal(lambda place: place.in_features**-0.5),
    "orthogonal": _orthogonal,
}
