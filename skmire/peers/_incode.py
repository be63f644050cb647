"""INCODE: sinusoids whose amplitude, frequency, phase and offset are read off the signal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Real
from typing import Any, ClassVar

import torch
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn
from torch.nn import functional

from skmire.atoms import Atom, Sinusoid
from skmire.encoders import MIREncoder
from skmire.networks import BaseArchitecture, LayeredField
from skmire.networks._affine import Affine
from skmire.networks._weight_init import Place
from skmire.peers._recipe import check_layers, encoder, refuse_complex

_CHANNELS, _BLOCKS = 64, 3  # of the first stage of ResNet-34
_HARMONISER = (_CHANNELS, 64, 32, 4)
_SPREAD, _BIAS = 0.001, 0.312  # that its weights and biases start from, as for images
_CONVOLVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_POOL = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}


class HarmonisedStack(LayeredField):
    """Layers ``exp(a) atom(exp(b) f z + c) + d``, z = W x + b, and an affine map at the end.

    Parameters
    ----------
    atoms : sequence of Atom
        Real, one a layer; they become the network's own.
    affines : list of Affine
        Of the layers, and to the values.
    harmoniser : list of Affine
        From the features of the signal to a, b, c and d.
    features : Tensor of shape (n_features,)
        Of the signal.
    frequency : float
        The factor f.
    """

    features: Tensor

    def __init__(
        self,
        atoms: Sequence[Atom],
        affines: list[Affine],
        harmoniser: list[Affine],
        features: Tensor,
        frequency: float,
    ) -> None:
        super().__init__()
        self.atoms, self.affines = nn.ModuleList(atoms), nn.ModuleList(affines)
        self.harmoniser = nn.ModuleList(harmoniser)
        self.register_buffer("features", features)
        self.frequency = frequency

    @property
    def coefficients(self) -> Tensor:
        """The four numbers a, b, c and d that all layers share."""
        x = self.features[None]
        *layers, last = self.harmoniser
        for layer in layers:
            x = functional.silu(layer(x))
        coefficients: Tensor = last(x)[0]
        return coefficients

    def hidden(self, coords: Tensor) -> Tensor:
        a, b, c, d = self.coefficients
        x = coords
        for atom, affine in zip(self.atoms, self.affines, strict=False):
            x = a.exp() * atom(b.exp() * self.frequency * affine(x) + c) + d
        return x


class Harmonised(BaseArchitecture):
    r"""Architecture whose layers share an amplitude, a frequency, a phase and an offset.

    .. math:: h \mapsto e^a \sin(e^b \omega_0 (W h + b) + c) + d

    A *harmoniser*, three linear maps with SiLU between, makes a, b, c and d of 64 features of the
    signal, which must be a full grid of one to three dimensions. They come from the first stage of
    a ResNet-34: a convolution with stride 2, a maximum over 3 pixels with stride 2, and three
    residual blocks, then the mean over the grid. Weights of the layers start as SIREN's do.

    In the authors' code the convolutions start at random, and are trained. Here they stay as they
    start, since the signal is always the same and four numbers are all that comes of its features.

    Parameters
    ----------
    frequency : float, default=30.0
        :math:`\omega_0`, above 0.

    See Also
    --------
    incode : An encoder with it.

    References
    ----------
    - Kazerouni et al., INCODE: Implicit Neural Conditioning with Prior Knowledge Embeddings, WACV
      2024.
    - He et al., Deep Residual Learning for Image Recognition, CVPR 2016, for ResNet-34.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import FixedSequence, MIREncoder
    >>> from skmire.peers import Harmonised
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = MIREncoder(
    ...     search=FixedSequence("sinusoid"), network=Harmonised(3.0), max_epochs=5
    ... )
    >>> encoder.fit(x, np.cos(20 * x[:, 0])).network_.coefficients.shape
    torch.Size([4])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "frequency": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, frequency: float = 30.0) -> None:
        self.frequency = frequency

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
    ) -> HarmonisedStack:
        if signal is None:
            raise ValueError("Harmonised(...).build needs the signal that it is to read.")
        refuse_complex(atoms, by=self)
        features = features_of(as_grid(*signal), generator)
        widths = [in_features, *[hidden_width] * len(atoms), out_features]
        affines = [
            Affine(
                Place(n, m, i == 0, self.frequency),
                "siren",
                n**-0.5,
                generator=generator,
                dtype=torch.float64,
            )
            for i, (n, m) in enumerate(pairwise(widths))
        ]
        harmoniser = [
            Affine(Place(n, m, False, 1.0), "normal", 0.0, generator=generator, dtype=torch.float64)
            for n, m in pairwise(_HARMONISER)
        ]
        with torch.no_grad():
            for layer in harmoniser:
                layer.weight.mul_(_SPREAD * layer.weight.shape[1] ** 0.5)
                layer.bias.fill_(_BIAS)
            if stretch is not None:
                affines[0].weight.mul_(torch.as_tensor(stretch, dtype=torch.float64))
        return HarmonisedStack(atoms, affines, harmoniser, features, self.frequency).to(dtype)


def as_grid(coords: Tensor, values: Tensor) -> Tensor:
    """Return the samples of a full grid as an image, (1, n_outputs, ...), in float64 on the CPU.

    Raises
    ------
    ValueError
        If they are none, or one of more than three dimensions.
    """
    n, n_dims = coords.shape
    if n_dims > max(_CONVOLVE):
        raise ValueError(
            f"INCODE convolves the signal, in one to {max(_CONVOLVE)} dimensions; X has {n_dims}. "
            "Take a peer that does not, such as skmire.peers.siren."
        )
    sides, place = [], torch.zeros(n, dtype=torch.long)
    for column in coords.cpu().T:
        steps, index = torch.unique(column, return_inverse=True)
        sides.append(len(steps))
        place = place * len(steps) + index
    if math.prod(sides) != n or len(torch.unique(place)) != n:
        raise ValueError(
            "INCODE reads the signal as an image: X must hold every point of a grid once, with "
            f"weights above 0. It has {n:,} samples, and {' x '.join(map(str, sides))} different "
            "coordinates along the axes. Fit a full grid with nothing held out, or take a peer "
            "that needs none, such as skmire.peers.siren."
        )
    image = torch.empty(n, values.shape[1], dtype=torch.float64)
    image[place] = values.to("cpu", torch.float64)
    return image.T.reshape(1, -1, *sides)


def features_of(image: Tensor, generator: torch.Generator) -> Tensor:
    """Return what the first stage of a ResNet-34 with random weights makes of an image, (64,)."""
    n_dims = image.ndim - 2

    def convolve(x: Tensor, side: int, *, stride: int = 1) -> Tensor:
        """Convolve as He et al. start, and take each channel to mean 0 and deviation 1."""
        shape = (_CHANNELS, x.shape[1], *[side] * n_dims)
        weight = torch.randn(shape, generator=generator, dtype=x.dtype)
        weight *= (2 / (_CHANNELS * side**n_dims)) ** 0.5
        x = _CONVOLVE[n_dims](x, weight, stride=stride, padding=side // 2)
        axes = list(range(2, x.ndim))
        variance, mean = torch.var_mean(x, dim=axes, correction=0, keepdim=True)
        return (x - mean) / (variance + 1e-5).sqrt()

    x = convolve(image, 7, stride=2).relu()
    x = _POOL[n_dims](x, 3, stride=2, padding=1)
    for _ in range(_BLOCKS):
        x = (x + convolve(convolve(x, 3).relu(), 3)).relu()
    return x.flatten(2).mean(dim=2)[0]


def incode(
    *,
    frequency: float = 30.0,
    hidden_width: int = 256,
    n_layers: int = 4,
    learning_rate: float = 9e-4,
    max_epochs: int = 501,
    **options: Any,
) -> MIREncoder:
    """Return INCODE, sinusoids conditioned on the signal, which must be sampled on a full grid.

    `Harmonised` has the formulas, and what is simpler here than in the authors' code. Adam, 65 536
    samples in each step, at a rate that falls to a tenth. The authors' loss also has small
    penalties on negative coefficients, which are left out.

    Parameters
    ----------
    frequency : float, default=30.0
        In every layer, before the coefficients.
    hidden_width : int, default=256
        Units in each hidden layer.
    n_layers : int, default=4
        Hidden layers.
    learning_rate : float, default=9e-4
        Step size at the start.
    max_epochs : int, default=501
        Passes over the samples.
    **options : dict
        Further parameters of `MIREncoder`, or others in place of the recipe's.

    Returns
    -------
    encoder : MIREncoder
        Not fitted. Its ``fit`` refuses samples that are no grid.

    References
    ----------
    Kazerouni et al., INCODE: Implicit Neural Conditioning with Prior Knowledge Embeddings, WACV
    2024; the recipe is that of the images in the authors' code, xmindflow/INCODE.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.peers import incode
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = incode(hidden_width=32, max_epochs=5).fit(x, np.cos(20 * x[:, 0]))
    >>> try:
    ...     encoder.fit([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0.0, 1.0, 1.0])
    ... except ValueError as error:
    ...     print(error)
    INCODE reads the signal as an image: X must hold every point of a grid once...
    """
    check_layers(n_layers)
    return encoder(
        [Sinusoid(frequency=1.0, phase=0.0)] * n_layers,
        Harmonised(frequency),
        options,
        learning_rate=learning_rate,
        batch_size=65_536,
        hidden_width=hidden_width,
        max_epochs=max_epochs,
    )
