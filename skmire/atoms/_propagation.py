"""How large the values are that layers of atoms hand on, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

import torch

from skmire.atoms._base import Atom

_COORDINATES = 0.5  # a unit's spread in the first layer, in the box: 0.67 in 1-D, 0.47 in 3-D
_QUANTILES = 999


def input_spread(before: Iterable[Atom]) -> float:
    """Return the standard deviation of what a unit sums up, at the start.

    Weights are as torch starts them, U(-1/sqrt(n), 1/sqrt(n)), and sums over many units are
    Gaussian: the mean square of one layer's values then gives the variance of the next one's sums,
    a third of it.

    Parameters
    ----------
    before : iterable of Atom
        The atoms of the layers before, the first one first; none for the first layer.

    Returns
    -------
    spread : float
        Before the atom's own scale.

    References
    ----------
    Poole et al., Exponential expressivity in deep neural networks through transient chaos, 2016,
    for the propagation of the mean square.

    Examples
    --------
    >>> from skmire.atoms import Sinusoid
    >>> from skmire.atoms._propagation import input_spread
    >>> round(input_spread([Sinusoid(frequency=30.0)]), 3)  # a wave's mean square is a half
    0.408
    """
    spread = _COORDINATES
    steps = (torch.arange(_QUANTILES, dtype=torch.float64) + 0.5) / _QUANTILES
    normal = torch.special.ndtri(steps)
    for atom in before:
        with torch.no_grad():
            values = atom(spread * normal.to(next(atom.parameters(), normal)))
        spread = sqrt(float(values.abs().double().square().mean()) / 3)
    return spread
