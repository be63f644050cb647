"""Which share of the learning rate the parts of a network take."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

from torch import nn

from skmire.atoms import Atom
from skmire.networks import Field, LayeredField, LayerStack, RadianceField

#: Parameters, their `share` of the learning rate, and whether they are `hidden` matrices.
Group = dict[str, Any]

_TURN = 1 / 3  # radians
_WIDTH = 256  # at which the learning rate is that between hidden layers
_NARROW = 64  # units; with fewer, steps are as large as with these (benchmarks/step_rates.py)


def groups_of(field: Field, learning_rate: float, *, hidden_apart: bool = False) -> list[Group]:
    """Return the trained parameters, together where they are to be treated alike.

    Rules like Adam's change every weight by about the learning rate. Behind them the atom stretches
    the sum over a unit's inputs, and where it is a wave, a change of several radians is a change at
    random. So weights before an atom of large scale get a share of the rate, such that the changes
    of a unit's weights, added up as if independent, turn it by no more than `_TURN`. It is a rule
    of thumb: first steps agree in sign, and turn units by more.

    Within that, the steps of weights between hidden layers go with their atom's `step_rate`, and
    with the inverse of the layer's width: the best step size does, as all inputs of a unit pull at
    its sum together.

    Parameters
    ----------
    field : Field
    learning_rate : float
        At the start.
    hidden_apart : bool, default=False
        Whether the matrices between hidden layers are groups of their own.

    Returns
    -------
    groups : list of dict

    References
    ----------
    Yang et al., Tensor Programs V: Tuning Large Neural Networks via Zero-Shot Hyperparameter
    Transfer, 2022, for step sizes and width.
    """
    shares: dict[nn.Parameter, float] = {}
    hidden: list[nn.Parameter] = []
    for network in field.each if isinstance(field, LayeredField) else (field,):
        for layer, (affine, atom) in enumerate(_before_atoms(network)):
            width = affine.get_parameter("weight").shape[1]
            turn = learning_rate * abs(atom.stretch) * sqrt(width + 1)  # with the bias
            wanted = atom.step_rate * _WIDTH / max(width, _NARROW) if layer else 1.0
            share = min(wanted, _TURN / max(turn, 1e-30))
            shares.update(dict.fromkeys(affine.parameters(), share))
        hidden += _between(network) if hidden_apart else []
    together: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for p in field.parameters():
        if p.requires_grad:
            key = shares.get(p, 1.0), any(p is h for h in hidden)
            together.setdefault(key, []).append(p)
    return [
        {"params": params, "share": share, "hidden": is_hidden}
        for (share, is_hidden), params in together.items()
    ]


def _between(field: Field) -> list[nn.Parameter]:
    """Return the matrices between hidden layers: all but those of coordinates and of outputs."""
    matrices = [p for p in field.parameters() if p.ndim == 2]
    if not isinstance(field, LayeredField):
        return matrices[1:-1]
    outputs = list(field.output.parameters())
    return [p for p in matrices[1:] if not any(p is output for output in outputs)]


def _before_atoms(field: Field) -> Iterator[tuple[nn.Module, Atom]]:
    """Yield the affine maps that atoms read, first layer first, and these atoms."""
    if isinstance(field, LayerStack):
        yield from zip(field.affines, field.sequence, strict=False)
    if isinstance(field, RadianceField):
        yield from _before_atoms(field.trunk)
        if field.layer is not None and field.atom is not None:
            yield field.layer, field.atom
