"""Queries of a network, in blocks that bound the memory they need."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmire.networks import LayerStack

Array = NDArray[np.float64]
Query = Callable[[LayerStack, Tensor], Tensor]

_BLOCK = 2**20  # activations of one layer that a block holds


def in_blocks(network: LayerStack, coords: Array, query: Query) -> Array:
    """Apply `query` to scaled `coords` block by block, in the network's dtype and device."""
    weight = network.affines[0].get_parameter("weight")
    answers = []
    for block in np.array_split(coords, -(-len(coords) * len(weight) // _BLOCK)):
        inputs = torch.tensor(block, dtype=weight.dtype, device=weight.device)
        answers.append(query(network, inputs).double().cpu().numpy())
    return np.concatenate(answers)


def values_at(network: LayerStack, coords: Tensor) -> Tensor:
    """Return the values of `network`, of shape (n_samples, n_outputs)."""
    with torch.no_grad():
        values: Tensor = network(coords)
    return values


def features_at(network: LayerStack, coords: Tensor) -> Tensor:
    """Return the last hidden layer of `network`; of complex ones real, then imaginary parts."""
    with torch.no_grad():
        features = network.hidden(coords)
    return torch.cat([features.real, features.imag], dim=1) if features.is_complex() else features


def jacobian(network: LayerStack, coords: Tensor) -> Tensor:
    """Return the derivatives of `network`, of shape (n_samples, n_outputs, n_dims)."""
    with torch.enable_grad():
        coords.requires_grad_(True)
        rows = [
            torch.autograd.grad(column.sum(), coords, retain_graph=True)[0]
            for column in network(coords).unbind(dim=1)
        ]
    return torch.stack(rows, dim=1)
