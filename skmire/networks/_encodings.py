"""What a network may read in place of the coordinates: waves of them, at fixed frequencies."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval
from torch import Tensor

from skmire._module import PlainModule


class Waves(PlainModule):
    """Sines, then cosines, of the coordinates times fixed frequencies; before them, these.

    Parameters
    ----------
    frequencies : Tensor of shape (n_dims, n_waves)
        Angular, in radians per unit of the box.
    with_coordinates : bool
        Whether the coordinates come first.
    """

    frequencies: Tensor

    def __init__(self, frequencies: Tensor, *, with_coordinates: bool) -> None:
        super().__init__()
        self.register_buffer("frequencies", frequencies)
        self.with_coordinates = with_coordinates

    @property
    def n_features(self) -> int:
        """Number of columns that it gives."""
        n_dims, n_waves = self.frequencies.shape
        return 2 * n_waves + (n_dims if self.with_coordinates else 0)

    def forward(self, coords: Tensor) -> Tensor:
        """Return the features, of shape (n_samples, n_features)."""
        angles = coords @ self.frequencies
        waves = [angles.sin(), angles.cos()]
        return torch.cat([coords, *waves] if self.with_coordinates else waves, dim=1)


class BaseEncoding(BaseEstimator, ABC):
    """Encoding of the coordinates: what `Architecture` takes as its `encoding`."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}

    def check(self) -> None:
        """Refuse parameters that are out of range.

        Raises
        ------
        ValueError
            If one is.
        """
        self._validate_params()

    @abstractmethod
    def build(self, in_features: int, generator: torch.Generator) -> Waves:
        """Return the encoding of so many coordinates.

        Parameters
        ----------
        in_features : int
            Number of coordinates.
        generator : torch.Generator
            Source of random frequencies, on the CPU.

        Returns
        -------
        waves : torch.nn.Module
            In float64.
        """


class PositionalEncoding(BaseEncoding):
    r"""Each coordinate by itself, at frequencies an octave apart.

    .. math:: \sin(2^k a x_j),\ \cos(2^k a x_j), \qquad k = 0, \dots, K - 1

    Parameters
    ----------
    n_frequencies : int, default=10
        `K`, at least 1.
    lowest : float, default=pi
        `a`, in radians per unit of the box [-1, 1], above 0. NeRF's paper has pi, its code 1.
    with_coordinates : bool, default=True
        Whether the coordinates themselves come first, as in NeRF's code.

    See Also
    --------
    FourierFeatures : Frequencies at random, in all directions.

    References
    ----------
    Mildenhall et al., NeRF: Representing Scenes as Neural Radiance Fields for View Synthesis,
    ECCV 2020, eq. 4.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import Architecture, FixedSequence, MIREncoder
    >>> from skmire.networks import PositionalEncoding
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> network = Architecture(encoding=PositionalEncoding(n_frequencies=4))
    >>> encoder = MIREncoder(search=FixedSequence("relu"), network=network, max_epochs=5)
    >>> encoder.fit(x, np.cos(20 * x[:, 0])).network_.affines[0]
    Affine(9, 256)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
        "lowest": [Interval(Real, 0, None, closed="neither")],
        "with_coordinates": ["boolean"],
    }

    def __init__(
        self, n_frequencies: int = 10, *, lowest: float = math.pi, with_coordinates: bool = True
    ) -> None:
        self.n_frequencies = n_frequencies
        self.lowest = lowest
        self.with_coordinates = with_coordinates

    def build(self, in_features: int, generator: torch.Generator) -> Waves:
        octaves = self.lowest * 2.0 ** torch.arange(self.n_frequencies, dtype=torch.float64)
        axes = torch.eye(in_features, dtype=torch.float64)
        return Waves(torch.kron(axes, octaves), with_coordinates=self.with_coordinates)


class FourierFeatures(BaseEncoding):
    r"""Plane waves of random direction and frequency.

    .. math:: \sin(2\pi b_k \cdot x),\ \cos(2\pi b_k \cdot x), \qquad b_k \sim N(0, s^2 I)

    Parameters
    ----------
    n_frequencies : int, default=256
        Number of waves, at least 1; there are twice as many features.
    scale : float, default=10.0
        `s`, in cycles per unit of the box [-1, 1], above 0. The paper's coordinates lie in [0, 1],
        so that its values are twice these.
    with_coordinates : bool, default=False
        Whether the coordinates themselves come first.

    See Also
    --------
    PositionalEncoding : Frequencies an octave apart, along the axes.

    References
    ----------
    Tancik et al., Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional
    Domains, NeurIPS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import Architecture, FixedSequence, MIREncoder
    >>> from skmire.networks import FourierFeatures
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> network = Architecture(encoding=FourierFeatures(n_frequencies=32, scale=2.0))
    >>> encoder = MIREncoder(search=FixedSequence("relu"), network=network, max_epochs=5)
    >>> encoder.fit(x, np.cos(20 * x[:, 0])).network_.affines[0]
    Affine(64, 256)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
        "scale": [Interval(Real, 0, None, closed="neither")],
        "with_coordinates": ["boolean"],
    }

    def __init__(
        self, n_frequencies: int = 256, *, scale: float = 10.0, with_coordinates: bool = False
    ) -> None:
        self.n_frequencies = n_frequencies
        self.scale = scale
        self.with_coordinates = with_coordinates

    def build(self, in_features: int, generator: torch.Generator) -> Waves:
        shape = in_features, self.n_frequencies
        cycles = torch.randn(shape, generator=generator, dtype=torch.float64) * self.scale
        return Waves(2 * math.pi * cycles, with_coordinates=self.with_coordinates)
