"""The mean of several networks, as one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skmire.atoms import Atom
from skmire.networks._affine import Affine
from skmire.networks._layered_field import LayeredField


class MeanMap(Affine):
    """The mean of affine maps, each of inputs of its own, as one."""

    def __init__(self, maps: Sequence[Affine]) -> None:
        nn.Module.__init__(self)
        self.maps = nn.ModuleList(maps)

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """The weights side by side."""
        return torch.cat([part.weight for part in self._each], dim=1) / len(self.maps)

    @property
    def bias(self) -> Tensor:  # type: ignore[override]
        """The mean of the biases."""
        return torch.stack([part.bias for part in self._each]).mean(dim=0)

    @property
    def _each(self) -> list[Affine]:
        return [part for part in self.maps if isinstance(part, Affine)]


class MeanField(LayeredField):
    """The mean of networks of the same atoms, each with its own weights.

    Its `sequence`, and so its `scales`, are those of the first: parameters of atoms are trained in
    each. Its features are those of all, side by side.

    Parameters
    ----------
    members : sequence of LayeredField
        One or more; they become the field's own.

    See Also
    --------
    skmire.EnsembleSearch : What makes it.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Gaussian
    >>> from skmire.networks import Architecture, MeanField
    >>> first, second = (
    ...     Architecture().build(
    ...         [Gaussian(scale=2.0)], in_features=1, out_features=3, hidden_width=8,
    ...         generator=torch.Generator().manual_seed(seed), dtype=torch.float64,
    ...     )
    ...     for seed in range(2)
    ... )
    >>> mean, x = MeanField([first, second]), torch.zeros(5, 1).double()
    >>> torch.allclose(mean(x), (first(x) + second(x)) / 2), mean.hidden(x).shape
    (True, torch.Size([5, 16]))
    """

    def __init__(self, members: Sequence[LayeredField]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, coords: Tensor) -> Tensor:
        return torch.stack([member(coords) for member in self.members]).mean(dim=0)

    def hidden(self, coords: Tensor) -> Tensor:
        return torch.cat([member.hidden(coords) for member in self.each], dim=1)

    @property
    def each(self) -> tuple[LayeredField, ...]:
        return tuple(member for member in self.members if isinstance(member, LayeredField))

    @property
    def output(self) -> Affine:
        return MeanMap([member.output for member in self.each])

    @property
    def sequence(self) -> tuple[Atom, ...]:
        return self.each[0].sequence
