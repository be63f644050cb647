"""Where an atom is looked at, and its derivatives there."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from skmire.atoms import Atom

Function = Callable[[Tensor], Tensor]

_FRACTIONS = (1 / 4, 1 / 3, 1 / 2, 1.0, 3 / 2, 2.0, 3.0, 4.0)


def width(atom: Atom) -> float:
    """Return the length on which `atom` varies: 1, or less if a parameter is above 1."""
    return 1 / max([1.0, *map(abs, atom.values().values())])


def anywhere(atom: Atom, count: int = 60) -> Tensor:
    """Return points without meaning to any formula: some as far as 3, some close to 0."""
    rng = np.random.default_rng(20)
    drawn = rng.uniform(-3, 3, count)
    drawn[::2] *= width(atom)
    return torch.tensor(drawn)


def suspects(atom: Atom) -> Tensor:
    """Return points where a formula of these parameters may have a pole, a kink or a join.

    A formula divides by 0 where a simple fraction, perhaps of pi, meets a product of its
    parameters: 0, 1/(2 b), pi/(4 b s), and so on.
    """
    values = {abs(v) for v in atom.values().values()} - {0.0, 1.0}
    products = {math.prod(some) for n in range(len(values) + 1) for some in combinations(values, n)}
    found = {f * unit / p for f in _FRACTIONS for unit in (1.0, math.pi) for p in products}
    near = sorted(x for x in found if x < 100)
    return torch.tensor([0.0, *near, *(-x for x in near)], dtype=torch.float64)


def around(points: Tensor) -> Tensor:
    """Return `points` and both sides of each, from a tenth to a millionth away."""
    steps = torch.tensor([10.0**-k for k in range(1, 7)], dtype=points.dtype)
    sides = torch.cat([torch.zeros(1, dtype=points.dtype), steps, -steps])
    return (points[:, None] + sides).flatten()


def components(atom: Atom) -> list[Function]:
    """Return real functions that make up `atom`: itself, or its real and imaginary part.

    Each hands the atom a copy of its argument, so that a check sees what the atom computes
    and not what it does to its input.
    """
    if atom.is_complex:
        return [lambda z: atom(z.clone()).real, lambda z: atom(z.clone()).imag]
    return [lambda z: atom(z.clone())]


def differentiable(atom: Atom, most: int = 2) -> int:
    """Return how many derivatives of `atom` are looked at; the first one always, as it trains."""
    return int(max(1, min(most, atom.smoothness)))


def derivatives(function: Function, z: Tensor, count: int) -> list[Tensor]:
    """Return the values of an elementwise `function` at `z` and its first `count` derivatives."""
    z = z.detach().clone().requires_grad_()
    found = [function(z)]
    for _ in range(count):
        found.append(slope(found[-1], z))
    return [d.detach() for d in found]


def slope(values: Tensor, z: Tensor) -> Tensor:
    """Return the derivative of elementwise `values` in `z`, 0 where they do not depend on it."""
    if not values.requires_grad:
        return torch.zeros_like(z)
    (found,) = torch.autograd.grad(values.sum(), z, create_graph=True, materialize_grads=True)
    return found
