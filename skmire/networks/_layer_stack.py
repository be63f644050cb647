"""The plain network: layers of atoms, and an affine map at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, repeat

import torch
from torch import Tensor, nn

from skmire.atoms import Atom
from skmire.networks._affine import Affine
from skmire.networks._field import Field
from skmire.networks._weight_init import Place


class LayerStack(Field):
    """Layers ``atom(W x + b)``, one atom a layer, and an affine map to the outputs.

    A layer that reads complex values has complex weights; where a real atom follows, the complex
    atom's `hand_over` makes its affine map real. The output is the real part.

    Parameters
    ----------
    atoms : sequence of Atom
        One a layer, with the parameters to start from; they become the network's own.
    in_features, out_features : int
        Numbers of coordinates and of values.
    hidden_width : int
        Units in each layer.
    generator : torch.Generator
        Source of the weights.
    dtype : {torch.float32, torch.float64}
        Real type of the computation.
    weight_init : str or dict of str to str, default="torch"
        As in `Architecture`.
    first_bias : float, default=None
        As in `Architecture`.
    output_scale : float, default=1.0
        As in `Architecture`.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Gabor, Sinc
    >>> from skmire.networks import LayerStack
    >>> network = LayerStack(
    ...     [Sinc(), Gabor()], in_features=2, out_features=3, hidden_width=16,
    ...     generator=torch.Generator().manual_seed(0), dtype=torch.float32,
    ... )
    >>> network(torch.zeros(5, 2)).shape
    torch.Size([5, 3])
    """

    def __init__(
        self,
        atoms: Sequence[Atom],
        *,
        in_features: int,
        out_features: int,
        hidden_width: int,
        generator: torch.Generator,
        dtype: torch.dtype,
        weight_init: str | Mapping[str, str] = "torch",
        first_bias: float | None = None,
        output_scale: float = 1.0,
    ) -> None:
        super().__init__()
        widths = [in_features, *[hidden_width] * len(atoms), out_features]
        reads_complex = [False, *(atom.is_complex for atom in atoms)]
        inits = (
            repeat(weight_init)
            if isinstance(weight_init, str)
            else (
                weight_init.get(atom.name, weight_init.get(atom.name.partition("(")[0], "torch"))
                for atom in [*atoms, atoms[-1]]
            )
        )
        self.atoms = nn.ModuleList(atom.to(dtype) for atom in atoms)
        self.affines = nn.ModuleList(
            Affine(
                place,
                init,
                first_bias if place.first and first_bias is not None else place.in_features**-0.5,
                generator=generator,
                dtype=dtype.to_complex() if is_complex else dtype,
            )
            for place, init, is_complex in zip(
                _places(widths, atoms), inits, reads_complex, strict=False
            )
        )
        with torch.no_grad():
            for parameter in self.affines[-1].parameters():
                parameter.mul_(output_scale)

    @property
    def sequence(self) -> tuple[Atom, ...]:
        """The atoms, first layer first."""
        return tuple(atom for atom in self.atoms if isinstance(atom, Atom))

    @property
    def scales(self) -> tuple[float, ...]:
        """By how much each layer's atom stretches its input now, 1 where it does not."""
        return tuple(atom.stretch for atom in self.sequence)

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
        x = coords
        before: Atom | None = None
        for atom, affine in zip(self.sequence, self.affines, strict=False):
            z = affine(x)
            if before is not None and before.is_complex and not atom.is_complex:
                z = before.hand_over(z)
            x, before = atom(z), atom
        return x

    def forward(self, coords: Tensor) -> Tensor:
        values: Tensor = self.affines[-1](self.hidden(coords))
        return values.real if values.is_complex() else values


def _places(widths: Sequence[int], atoms: Sequence[Atom]) -> Iterator[Place]:
    for (n_in, n_out), atom, first in zip(
        pairwise(widths), [*atoms, atoms[-1]], [True, *[False] * len(atoms)], strict=True
    ):
        yield Place(n_in, n_out, first, atom.stretch)
