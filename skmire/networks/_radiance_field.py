"""The network of a radiance field: density by the place, colour also by the direction of view."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

import torch
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor, nn
from torch.nn import functional

from skmire.atoms import Atom
from skmire.networks._affine import Affine
from skmire.networks._architecture import Architecture, BaseArchitecture
from skmire.networks._encodings import BaseEncoding, Waves
from skmire.networks._layered_field import LayeredField
from skmire.networks._weight_init import WEIGHT_INITS, Place

N_DIMS = 3  # coordinates of a point; what comes behind them is a direction


class Heads(Affine):
    """Two affine maps as one, each of its own part of the inputs, for what asks for one."""

    def __init__(self, density: Affine, colour: Affine) -> None:
        nn.Module.__init__(self)
        self.density, self.colour = density, colour

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """Both weights, in blocks along the diagonal."""
        upper, lower = self.density.weight, self.colour.weight
        return torch.cat(
            [functional.pad(upper, (0, lower.shape[1])), functional.pad(lower, (upper.shape[1], 0))]
        )

    @property
    def bias(self) -> Tensor:  # type: ignore[override]
        """Both biases."""
        return torch.cat([self.density.bias, self.colour.bias])

    def forward(self, x: Tensor) -> Tensor:
        """Return the values of both."""
        return functional.linear(x, self.weight, self.bias)


class RadianceField(LayeredField):
    """A trunk that reads the place, and behind it a layer that also reads the direction of view.

    The trunk's output is the first value. The others, the colours, come from a layer of the last
    atom, which reads the trunk's last hidden layer (of complex ones real and imaginary parts) and
    the direction.

    Parameters
    ----------
    trunk : LayeredField
        Of three coordinates and one output; becomes the network's own.
    layer : Affine or None
        Real, of the trunk's last hidden layer and the direction; without one, the colours read
        these themselves.
    atom : Atom or None
        Behind it; becomes the network's own.
    colours : Affine
        To the colours.
    encoding : Waves or None
        What is read in place of the direction.

    See Also
    --------
    RadianceArchitecture : What builds it.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Gaussian, Sinusoid
    >>> from skmire.networks import RadianceArchitecture
    >>> network = RadianceArchitecture().build(
    ...     [Gaussian(scale=2.0), Sinusoid()], in_features=6, out_features=4, hidden_width=8,
    ...     generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    ... )
    >>> x = torch.zeros(5, 6).double()
    >>> network(x).shape, network.hidden(x).shape
    (torch.Size([5, 4]), torch.Size([5, 16]))
    """

    encoding: Waves | None

    def __init__(
        self,
        trunk: LayeredField,
        layer: Affine | None,
        atom: Atom | None,
        colours: Affine,
        encoding: Waves | None,
    ) -> None:
        super().__init__()
        self.trunk, self.layer, self.atom = trunk, layer, atom
        self.colours, self.encoding = colours, encoding

    def forward(self, coords: Tensor) -> Tensor:
        features, glow = self._hidden(coords)
        density = self.trunk.output(features)
        values = [density, self.colours(glow)]
        return torch.cat([part.real if part.is_complex() else part for part in values], dim=1)

    def hidden(self, coords: Tensor) -> Tensor:
        return torch.cat(self._hidden(coords), dim=1)

    @property
    def output(self) -> Affine:
        return Heads(self.trunk.output, self.colours)

    @property
    def sequence(self) -> tuple[Atom, ...]:
        return self.trunk.sequence if self.atom is None else (*self.trunk.sequence, self.atom)

    def glance(self, coords: Tensor) -> Tensor:
        """Return what the colours read beside the trunk's features.

        Parameters
        ----------
        coords : Tensor of shape (n_samples, n_coordinates)
            The place and, behind it, the direction.

        Returns
        -------
        glance : Tensor of shape (n_samples, n_features)
            The direction, or its encoding; no columns if there is none.
        """
        direction = coords[:, N_DIMS:]
        return direction if self.encoding is None else self.encoding(direction)

    def _hidden(self, coords: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk.hidden(coords[:, :N_DIMS])
        parts = [features.real, features.imag] if features.is_complex() else [features]
        seen = torch.cat([*parts, self.glance(coords)], dim=1)
        if self.layer is None or self.atom is None:
            return features, seen
        return features, self.atom(self.layer(seen))


class RadianceArchitecture(BaseArchitecture):
    """Two heads for a radiance field: the density knows the place, the colour also the direction.

    All atoms but the last are the layers of a trunk, which reads the place alone and gives the
    density. The last is that of one layer more, which reads the trunk's last hidden layer and the
    direction of view, and gives the colours. Without a direction, that layer reads the trunk alone.
    A single atom is that of the trunk, and the colours are linear in what it gives.

    Parameters
    ----------
    trunk : BaseArchitecture, default=None
        What shape of trunk, with an encoding of the place if it has one; ``None`` means
        `Architecture` with its defaults.
    direction_encoding : PositionalEncoding or FourierFeatures, default=None
        What is read in place of the direction.
    weight_init : str, default="torch"
        How the weights behind the trunk start, as in `Architecture`.
    output_scale : float, default=0.1
        By how much the map to the colours starts smaller than `weight_init` says, above 0.

    See Also
    --------
    skmire.RadianceEncoder : An encoder that takes it by default.
    Architecture : Layers one behind another.

    References
    ----------
    Mildenhall et al., NeRF: Representing Scenes as Neural Radiance Fields for View Synthesis,
    ECCV 2020, which has a linear map between trunk and colours; two in a row are one.

    Examples
    --------
    NeRF's, at half its depth:

    >>> from skmire import Architecture, FixedSequence, RadianceEncoder
    >>> from skmire.networks import PositionalEncoding, RadianceArchitecture
    >>> nerf = RadianceArchitecture(
    ...     Architecture(encoding=PositionalEncoding(10)), PositionalEncoding(4)
    ... )
    >>> encoder = RadianceEncoder(search=FixedSequence("relu", n_layers=5), network=nerf)
    >>> encoder.get_params()["network__trunk__encoding__n_frequencies"]
    10
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "trunk": [None, BaseArchitecture],
        "direction_encoding": [None, BaseEncoding],
        "weight_init": [StrOptions(set(WEIGHT_INITS))],
        "output_scale": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        trunk: BaseArchitecture | None = None,
        direction_encoding: BaseEncoding | None = None,
        *,
        weight_init: str = "torch",
        output_scale: float = 0.1,
    ) -> None:
        self.trunk = trunk
        self.direction_encoding = direction_encoding
        self.weight_init = weight_init
        self.output_scale = output_scale

    @property
    def reads_coordinates(self) -> bool:
        return self.trunk is None or self.trunk.reads_coordinates

    def check(self) -> None:
        super().check()
        for part in (self.trunk, self.direction_encoding):
            if part is not None:
                part.check()

    def build(
        self,
        atoms: Sequence[Atom],
        *,
        in_features: int,
        out_features: int,
        hidden_width: int,
        generator: torch.Generator,
        dtype: torch.dtype,
        stretch: ArrayLike | None = None,
        signal: tuple[Tensor, Tensor] | None = None,
    ) -> RadianceField:
        if in_features not in (N_DIMS, 2 * N_DIMS) or out_features < 2:
            raise ValueError(
                "RadianceArchitecture is for a field of a place in space, with or without a "
                "direction of view (3 or 6 coordinates), and two outputs or more, as that of "
                f"VolumeRendering; got {in_features} coordinates and {out_features} output(s)."
            )
        before, last = (atoms[:-1], atoms[-1].to(dtype)) if len(atoms) > 1 else (atoms, None)
        trunk = (Architecture() if self.trunk is None else clone(self.trunk)).build(
            before,
            in_features=N_DIMS,
            out_features=1,
            hidden_width=hidden_width,
            generator=generator,
            dtype=dtype,
            stretch=None if stretch is None else torch.as_tensor(stretch)[:N_DIMS],
        )
        read = trunk.output.weight
        n_read = read.shape[1] * (2 if read.is_complex() else 1)
        waves = None
        if in_features > N_DIMS:
            n_read += N_DIMS
            if self.direction_encoding is not None:
                waves = self.direction_encoding.build(N_DIMS, generator).to(dtype)
                n_read += waves.n_features - N_DIMS

        def affine(n_in: int, n_out: int, scale: float, kind: torch.dtype) -> Affine:
            place, bias = Place(n_in, n_out, False, scale), n_in**-0.5
            return Affine(place, self.weight_init, bias, generator=generator, dtype=kind)

        n_colours, layer = out_features - 1, None
        if last is None:
            colours = affine(n_read, n_colours, before[-1].stretch, dtype)
        else:
            layer = affine(n_read, hidden_width, last.stretch, dtype)
            kind = dtype.to_complex() if last.is_complex else dtype
            colours = affine(hidden_width, n_colours, last.stretch, kind)
        with torch.no_grad():
            for parameter in colours.parameters():
                parameter.mul_(self.output_scale)
        return RadianceField(trunk, layer, last, colours, waves)
