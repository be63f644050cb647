"""Which share of the learning rate the parts of a network take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from skmire.networks import Field, LayeredField, LayerStack, RadianceField

#: Parameters, their `share` of the learning rate, and whether they are `hidden` matrices.
Group = dict[str, Any]

_TURN = 1 / 3  # radians


def groups_of(field: Field, learning_rate: float, *, hidden_apart: bool = False) -> list[Group]:
    """Return the trained parameters, together where they are to be treated alike.

    Rules like Adam's change every weight by about the learning rate. Behind them the atom stretches
    the sum over a unit's inputs, and where it is a wave, a change of several radians is a change at
    random. So weights before an atom of large scale get a share of the rate, such that the changes
    of a unit's weights, added up as if independent, turn it by no more than `_TURN`. It is a rule
    of thumb: first steps agree in sign, and turn units by more.

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
    """
    shares: dict[nn.Parameter, float] = {}
    for affine, scale in _before_atoms(field):
        inputs = affine.get_parameter("weight").shape[1] + 1  # with the bias
        turn = learning_rate * abs(scale) * float(inputs) ** 0.5
        shares.update(dict.fromkeys(affine.parameters(), min(1.0, _TURN / max(turn, 1e-30))))
    hidden = _between(field) if hidden_apart else []
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


def _before_atoms(field: Field) -> Iterator[tuple[nn.Module, float]]:
    """Yield the affine maps that atoms read, and by how much these stretch them."""
    if isinstance(field, LayerStack):
        yield from zip(field.affines, field.scales, strict=False)
    if isinstance(field, RadianceField):
        yield from _before_atoms(field.trunk)
        if field.layer is not None and field.atom is not None:
            yield field.layer, field.atom.stretch
