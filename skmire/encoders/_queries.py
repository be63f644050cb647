"""Queries of a network, in blocks that bound the memory they need."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmire._memory import require
from skmire.networks import LayeredField, sweep_of

Array = NDArray[np.float64]
Query = Callable[[LayeredField, Tensor], Tensor]
Rescale = Callable[[Array], Array]

_BLOCK = 2**18  # values of the widest layer that a block holds: they stay in a core's cache


def in_blocks(
    network: LayeredField, coords: Array, query: Query, *, scale: Rescale, unscale: Rescale
) -> Array:
    """Apply `query` block by block in the network's dtype and device, from and to user's units.

    Beside the answer it needs the memory of a block.
    """
    bias = network.output.bias
    dtype, device = bias.dtype.to_real(), bias.device
    rows = max(_BLOCK // network.widest, 1)
    answers = np.empty(0)
    with torch.inference_mode(False):  # whatever the caller is in
        for start in range(0, len(coords), rows):
            block = scale(coords[start : start + rows])
            inputs = torch.tensor(block, dtype=dtype, device=device)
            answer = unscale(query(network, inputs).double().cpu().numpy())
            if start == 0:
                require(
                    len(coords) * answer[:1].nbytes,
                    f"The answer for {len(coords):,} coordinates",
                    "Ask for fewer at a time.",
                )
                answers = np.empty((len(coords), *answer.shape[1:]))
            answers[start : start + rows] = answer
    return answers


def values_at() -> Query:
    """Return the query of the values of one network, of shape (n_samples, n_outputs)."""
    found: list[Callable[[Tensor], Tensor]] = []

    def values(network: LayeredField, coords: Tensor) -> Tensor:
        if not found:
            found.append(sweep_of(network).values)
        return found[0](coords)

    return values


def features_at(network: LayeredField, coords: Tensor) -> Tensor:
    """Return the last hidden layer of `network`; of complex ones real, then imaginary parts."""
    with torch.no_grad():
        features = network.hidden(coords)
    return torch.cat([features.real, features.imag], dim=1) if features.is_complex() else features


def jacobian(network: LayeredField, coords: Tensor) -> Tensor:
    """Return the derivatives of `network`, of shape (n_samples, n_outputs, n_dims)."""
    with torch.inference_mode(False), torch.enable_grad():
        coords = coords.clone().requires_grad_(True)  # not of the caller's inference mode
        rows = [
            torch.autograd.grad(column.sum(), coords, retain_graph=True)[0]
            for column in network(coords).unbind(dim=1)
        ]
    return torch.stack(rows, dim=1)
