"""Queries of a network, in blocks that bound the memory they need."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmire._memory import require
from skmire.encoders._ambient import ambience_off
from skmire.networks import Field, LayeredField, calculus_of, sweep_of
from skmire.networks._calculus import Axes, Calculus

Array = NDArray[np.float64]
Query = Callable[[Field, Tensor], Tensor]
Rescale = Callable[[Array], Array]

_BLOCK = 2**18  # values of the widest layer that a block holds: they stay in a core's cache


def in_blocks(
    network: LayeredField,
    coords: Array,
    query: Callable[[LayeredField, Tensor], Tensor],
    *,
    scale: Rescale,
    unscale: Rescale,
    share: int = 1,
    rows: int | None = None,
    dtype: torch.dtype | None = None,
) -> Array:
    """Apply `query` block by block in the network's dtype and device, from and to user's units.

    Beside the answer it needs the memory of a block, which is `share` times as small where a query
    holds as many values of a unit. Another size of a block, in `rows`, or `dtype` can be given.
    """
    bias = network.output.bias
    dtype, device = dtype or bias.dtype.to_real(), bias.device
    rows = rows or max(_BLOCK // (share * network.widest), 1)
    answers = np.empty(0)
    with ambience_off():
        for start in range(0, len(coords), rows):
            block = scale(coords[start : start + rows])
            inputs = torch.tensor(block, dtype=dtype, device=device)
            answer = unscale(query(network, inputs).double().cpu().numpy())
            if start == 0:
                if len(coords) > rows:  # else it is there: a few rows are not worth asking for
                    require(
                        len(coords) * answer[:1].nbytes,
                        f"The answer for {len(coords):,} coordinates",
                        "Ask for fewer at a time.",
                    )
                answers = np.empty((len(coords), *answer.shape[1:]))
            answers[start : start + rows] = answer
    return answers


def values_at() -> Query:
    """Return the query of the values of one field, of shape (n_samples, n_outputs)."""
    found: list[Callable[[Tensor], Tensor]] = []

    def values(field: Field, coords: Tensor) -> Tensor:
        if not found:
            found.append(sweep_of(field).values)
        return found[0](coords)

    return values


def features_at(network: LayeredField, coords: Tensor) -> Tensor:
    """Return the last hidden layer of `network`; of complex ones real, then imaginary parts."""
    with torch.no_grad():
        features = network.hidden(coords)
    return torch.cat([features.real, features.imag], dim=1) if features.is_complex() else features


def derivatives_at(directions: Array | None, wanted: Sequence[Axes]) -> Query:
    """Return the query of derivatives of one field, of shape (n_samples, n_outputs, n_wanted).

    Where no directions are given, there is one for each sample, behind its coordinates.
    """
    found: list[Calculus] = []

    def derivatives(field: Field, coords: Tensor) -> Tensor:
        if not found:
            found.append(calculus_of(field))
        if directions is None:
            coords, along = coords.chunk(2, dim=1)
            return found[0](coords, along[None], wanted).permute(1, 2, 0)
        return found[0](coords, coords.new_tensor(directions), wanted).permute(1, 2, 0)

    return derivatives
