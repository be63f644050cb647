"""What a network of atoms is, whatever its shape."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

from skmire.atoms import Atom
from skmire.networks._affine import Affine
from skmire.networks._field import Field


class LayeredField(Field):
    """Field with an atom in each layer, and an affine map of the last layer's values at the end.

    What an `Architecture` builds, a search returns and an encoder answers from. A subclass keeps
    its atoms in ``atoms`` and its maps in ``affines``, or has a `sequence` and an `output` of its
    own.

    Attributes
    ----------
    atoms : torch.nn.ModuleList
        The atoms, first layer first.
    affines : torch.nn.ModuleList
        Affine maps, of which the last is that to the values.

    See Also
    --------
    LayerStack : Layers one behind another.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Gaussian
    >>> from skmire.networks import Architecture, LayeredField
    >>> network = Architecture().build(
    ...     [Gaussian(scale=2.0)], in_features=1, out_features=3, hidden_width=8,
    ...     generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    ... )
    >>> isinstance(network, LayeredField), network.hidden(torch.zeros(5, 1).double()).shape
    (True, torch.Size([5, 8]))
    """

    atoms: nn.ModuleList
    affines: nn.ModuleList

    @abstractmethod
    def hidden(self, coords: Tensor) -> Tensor:
        """Return the values of the last hidden layer, complex if its atom is.

        Parameters
        ----------
        coords : Tensor of shape (n_samples, n_dims)
            In the unit box, or beyond.

        Returns
        -------
        features : Tensor of shape (n_samples, hidden_width)
            One column a unit.
        """

    def forward(self, coords: Tensor) -> Tensor:
        values: Tensor = self.output(self.hidden(coords))
        return values.real if values.is_complex() else values

    @property
    def output(self) -> Affine:
        """Affine map from the last hidden layer to the values."""
        last = self.affines[-1]
        assert isinstance(last, Affine)
        return last

    @property
    def each(self) -> tuple[LayeredField, ...]:
        """The networks that it is the mean of, or itself alone."""
        return (self,)

    @property
    def sequence(self) -> tuple[Atom, ...]:
        """The atoms, first layer first."""
        return tuple(atom for atom in self.atoms if isinstance(atom, Atom))

    @property
    def scales(self) -> tuple[float, ...]:
        """By how much each layer's atom stretches its input now, 1 where it does not."""
        return tuple(atom.stretch for atom in self.sequence)

    @property
    def is_complex(self) -> bool:
        """Whether any atom's values are complex."""
        return any(atom.is_complex for atom in self.sequence)

    @property
    def widest(self) -> int:
        """The most values that a layer reads or gives for one sample."""
        return max(max(p.shape) for p in self.parameters() if p.ndim == 2)
