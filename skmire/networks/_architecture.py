"""What shape of network an encoder is made of, and how its weights start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, ClassVar

import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from skmire.atoms import Atom
from skmire.networks._layer_stack import LayerStack
from skmire.networks._weight_init import WEIGHT_INITS


class Architecture(BaseEstimator):
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

    See Also
    --------
    LayerStack : The network that comes of it.

    References
    ----------
    - Sitzmann et al., Implicit Neural Representations with Periodic Activation Functions, 2020.
    - Liu et al., FINER, CVPR 2024, for wide biases in the first layer.
    - Glorot and Bengio, 2010, for "xavier"; He et al., 2015, for "kaiming"; Saxe et al., 2014, for
      "orthogonal".

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
    }

    def __init__(
        self,
        weight_init: str | Mapping[str, str] = "torch",
        *,
        first_bias: float | None = None,
        output_scale: float = 0.1,
    ) -> None:
        self.weight_init = weight_init
        self.first_bias = first_bias
        self.output_scale = output_scale

    def check(self) -> None:
        """Refuse parameters that are out of range.

        Raises
        ------
        ValueError
            If one is, or there is no such way to start.
        """
        self._validate_params()
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
    ) -> LayerStack:
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
            Factors on the first layer's weights, coordinate by coordinate: where the signal varies
            faster along one than along another, so do the units.

        Returns
        -------
        network : LayerStack
            On the CPU.
        """
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
        )
        if stretch is not None:
            with torch.no_grad():
                weight = network.affines[0].get_parameter("weight")
                weight.mul_(torch.as_tensor(stretch).to(weight.dtype))
        return network
