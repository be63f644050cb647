"""What shape of network an encoder is made of, and how its weights start."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, ClassVar

import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor

from skmire.atoms import Atom
from skmire.networks._encodings import BaseEncoding
from skmire.networks._layer_stack import LayerStack
from skmire.networks._layered_field import LayeredField
from skmire.networks._weight_init import WEIGHT_INITS


class BaseArchitecture(BaseEstimator, ABC):
    """From atoms to a network: what an encoder takes as its `network`.

    To write one of your own: take hyper-parameters in ``__init__`` and store them, and build a
    `LayeredField` of the atoms you are given.

    See Also
    --------
    Architecture : Layers one behind another.

    Examples
    --------
    Networks whose outputs start at 0:

    >>> import numpy as np, torch
    >>> from skmire import FixedSequence, MIREncoder
    >>> from skmire.networks import BaseArchitecture, LayerStack
    >>> class FromZero(BaseArchitecture):
    ...     def build(self, atoms, *, stretch=None, signal=None, **shape):
    ...         network = LayerStack(atoms, **shape)
    ...         for parameter in network.output.parameters():
    ...             torch.nn.init.zeros_(parameter)
    ...         return network
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = MIREncoder(search=FixedSequence("sinc"), network=FromZero(), max_epochs=5)
    >>> encoder.fit(x, np.cos(20 * x[:, 0])).activations_
    ['sinc', 'sinc', 'sinc']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}  # none, unless it has some

    @property
    def reads_coordinates(self) -> bool:
        """Whether the first layer reads the coordinates, so that its scale is the signal's."""
        return True

    def check(self) -> None:
        """Refuse parameters that are out of range.

        Raises
        ------
        ValueError
            If one is.
        """
        self._validate_params()

    @abstractmethod
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
    ) -> LayeredField:
        """Return a network of these atoms.

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
        stretch : array-like of shape (in_features,), default=None
            Factors on the weights that read the coordinates, coordinate by coordinate: where the
            signal varies faster along one than along another, so do the units.
        signal : tuple of two Tensor, default=None
            Scaled coordinates and values of the samples that the network is to be trained on, for
            a network that is conditioned on them; others leave them alone.

        Returns
        -------
        network : LayeredField
            On the CPU.
        """


class Architecture(BaseArchitecture):
    """What shape of network, and how its weights start: the encoder's `network`.

    Parameters
    ----------
    weight_init : str or dict of str to str, default="torch"
        How weights start; a dict says so by the name of the atom behind them (of that before, for
        the last), and atoms it does not name start as ``"torch"``. With n inputs and m outputs:

        - ``"torch"``: U(-1/sqrt(n), 1/sqrt(n)), torch's default for linear layers;
        - ``"siren"``: U(-1/n, 1/n) in the first layer, U(-sqrt(6/n)/a, sqrt(6/n)/a) in all others,
          with a the scale of the atom, so that this scale is a step size and not an amplitude;
        - ``"xavier"``: U(-sqrt(6/(n+m)), sqrt(6/(n+m)));
        - ``"kaiming"``: N(0, 2/n);
        - ``"normal"``: N(0, 1/n);
        - ``"orthogonal"``: a random orthogonal matrix.

        Biases start from U(-1/sqrt(n), 1/sqrt(n)). Real and imaginary part of complex weights start
        so each by itself.
    first_bias : float, default=None
        Half the range, U(-first_bias, first_bias), that the first layer's biases start from, above
        0. ``None`` leaves them as they are in every layer. FINER's authors use 1 to 20.
    output_scale : float, default=0.1
        By how much the weights and biases of the map to the outputs start smaller than
        `weight_init` says, above 0. At 1 a network starts as a random function as large as the
        signal, which training takes back at the samples and leaves between them; at 0.1 it starts
        near the signal's mean.
    encoding : PositionalEncoding or FourierFeatures, default=None
        What the first layer reads in place of the coordinates. It then counts as a hidden layer:
        its scale and its weights start as theirs do, and are not matched to the signal.
    residual : bool, default=False
        Whether layers from the second on add what they read to their atom's values,
        ``h + atom(W h + b)``. Where a real atom follows a complex one, h is what that hands over.

    See Also
    --------
    LayerStack : The network that comes of it.
    skmire.networks.PositionalEncoding, skmire.networks.FourierFeatures : Encodings.

    References
    ----------
    - Sitzmann et al., Implicit Neural Representations with Periodic Activation Functions, 2020.
    - Liu et al., FINER, CVPR 2024, for wide biases in the first layer.
    - Glorot and Bengio, 2010, for "xavier"; He et al., 2015, for "kaiming"; Saxe et al., 2014, for
      "orthogonal".
    - He et al., Deep Residual Learning for Image Recognition, CVPR 2016, for residual connections.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import Architecture, FixedSequence, MIREncoder
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = MIREncoder(
    ...     search=FixedSequence("sinusoid"), network=Architecture("siren"), max_epochs=5
    ... )
    >>> encoder.fit(x, np.cos(20 * x[:, 0])).get_params()["network__weight_init"]
    'siren'
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "weight_init": [StrOptions(set(WEIGHT_INITS)), dict],
        "first_bias": [None, Interval(Real, 0, None, closed="neither")],
        "output_scale": [Interval(Real, 0, None, closed="neither")],
        "encoding": [None, BaseEncoding],
        "residual": ["boolean"],
    }

    def __init__(
        self,
        weight_init: str | Mapping[str, str] = "torch",
        *,
        first_bias: float | None = None,
        output_scale: float = 0.1,
        encoding: BaseEncoding | None = None,
        residual: bool = False,
    ) -> None:
        self.weight_init = weight_init
        self.first_bias = first_bias
        self.output_scale = output_scale
        self.encoding = encoding
        self.residual = residual

    @property
    def reads_coordinates(self) -> bool:
        return self.encoding is None

    def check(self) -> None:
        super().check()
        if self.encoding is not None:
            self.encoding.check()
        if isinstance(self.weight_init, Mapping):
            for atom, name in self.weight_init.items():
                if name not in WEIGHT_INITS:
                    raise ValueError(
                        f"Architecture(weight_init={{{atom!r}: ...}}) must be one of "
                        f"{', '.join(map(repr, WEIGHT_INITS))}; got {name!r}."
                    )

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
    ) -> LayerStack:
        network = LayerStack(
            atoms,
            in_features=in_features,
            out_features=out_features,
            hidden_width=hidden_width,
            generator=generator,
            dtype=dtype,
            weight_init=self.weight_init,
            first_bias=self.first_bias,
            output_scale=self.output_scale,
            encoding=self.encoding,
            residual=self.residual,
        )
        if stretch is not None and self.reads_coordinates:
            with torch.no_grad():
                weight = network.affines[0].get_parameter("weight")
                weight.mul_(torch.as_tensor(stretch).to(weight.dtype))
        return network
