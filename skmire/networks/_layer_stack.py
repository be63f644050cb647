"""The plain network: layers of atoms, and an affine map at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, repeat

import torch
from torch import Tensor, nn

from skmire.atoms import Atom
from skmire.networks._affine import Affine
from skmire.networks._encodings import BaseEncoding, Waves
from skmire.networks._layered_field import LayeredField
from skmire.networks._weight_init import Place


class LayerStack(LayeredField):
    """Layers ``atom(W x + b)``, one atom a layer, and an affine map to the outputs.

    With an encoding the first layer reads that in place of the coordinates. With residual
    connections every other layer adds what it reads to its atom's values.

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
    encoding : PositionalEncoding or FourierFeatures, default=None
        As in `Architecture`.
    residual : bool, default=False
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

    encoding: Waves | None

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
        encoding: BaseEncoding | None = None,
        residual: bool = False,
    ) -> None:
        super().__init__()
        waves = None if encoding is None else encoding.build(in_features, generator)
        self.encoding = None if waves is None else waves.to(dtype)
        self.residual = residual
        widths = [
            in_features if waves is None else waves.n_features,
            *[hidden_width] * len(atoms),
            out_features,
        ]
        reads_complex = [False, *(atom.is_complex for atom in atoms)]
        inits = (
            repeat(weight_init)
            if isinstance(weight_init, str)
            else (
                weight_init.get(atom.name, weight_init.get(atom.name.partition("(")[0], "torch"))
                for atom in [*atoms, atoms[-1]]
            )
        )
        places = _places(widths, atoms, encoded=encoding is not None)
        starts = zip(places, inits, reads_complex, strict=False)
        self.atoms = nn.ModuleList(atom.to(dtype) for atom in atoms)
        self.affines = nn.ModuleList(
            Affine(
                place,
                init,
                first_bias if i == 0 and first_bias is not None else place.in_features**-0.5,
                generator=generator,
                dtype=dtype.to_complex() if is_complex else dtype,
            )
            for i, (place, init, is_complex) in enumerate(starts)
        )
        with torch.no_grad():
            for parameter in self.affines[-1].parameters():
                parameter.mul_(output_scale)

    def hidden(self, coords: Tensor) -> Tensor:
        x = coords if self.encoding is None else self.encoding(coords)
        before: Atom | None = None
        for atom, affine in zip(self.sequence, self.affines, strict=False):
            z = affine(x)
            if before is not None and before.is_complex and not atom.is_complex:
                z, x = before.hand_over(z), before.hand_over(x)
            x = atom(z) + x if self.residual and before is not None else atom(z)
            before = atom
        return x


def _places(widths: Sequence[int], atoms: Sequence[Atom], *, encoded: bool) -> Iterator[Place]:
    for i, ((n_in, n_out), atom) in enumerate(
        zip(pairwise(widths), [*atoms, atoms[-1]], strict=True)
    ):
        yield Place(n_in, n_out, i == 0 and not encoded, atom.stretch)
