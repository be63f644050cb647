"""FINER, whose authors train by a slope of their own."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from skmire.atoms import Sinusoid, VariablePeriodic
from skmire.atoms._base import Pull, Spare
from skmire.encoders import MIREncoder
from skmire.networks import Architecture
from skmire.peers._recipe import check_layers, encoder


class HeldStretch(VariablePeriodic):
    """FINER's atom that is trained as if the factor ``|x| + 1`` were a constant.

    Values and derivatives with respect to the coordinates are those of the function.
    """

    def sweep(self, t: Tensor, spare: Spare) -> tuple[Tensor, Pull]:
        return self._sweep(t, spare)

    def evaluate(self, t: Tensor, spare: Spare) -> Tensor:
        return super().evaluate(t, spare)

    def _slope(self, stretch: Tensor) -> Tensor:
        return stretch


def finer(
    *,
    frequency: float = 30.0,
    first_bias: float | None = None,
    exact_slope: bool = False,
    hidden_width: int = 256,
    n_layers: int = 4,
    learning_rate: float = 5e-4,
    max_epochs: int = 5_000,
    **options: Any,
) -> MIREncoder:
    r"""Return FINER, layers of :math:`\sin(\omega_0(|z| + 1)z)`, z = W x + b.

    Weights start as SIREN's do. Adam, all samples in each step, at a rate that falls to a tenth.

    Parameters
    ----------
    frequency : float, default=30.0
        :math:`\omega_0`, in every layer.
    first_bias : float, default=None
        Half the range that biases of the first layer start from; ``None`` leaves them at torch's.
        The authors' scripts for images do; 1 to 20 take in higher frequencies.
    exact_slope : bool, default=False
        Whether training takes the slope of the function; the authors' code holds
        :math:`|z| + 1` constant in it. ``gradient`` is exact in either case.
    hidden_width : int, default=256
        Units in each hidden layer.
    n_layers : int, default=4
        Hidden layers.
    learning_rate : float, default=5e-4
        Step size at the start.
    max_epochs : int, default=5_000
        Steps, as each takes all samples.
    **options : dict
        Further parameters of `MIREncoder`, or others in place of the recipe's.

    Returns
    -------
    encoder : MIREncoder
        Not fitted.

    References
    ----------
    Liu et al., FINER: Flexible Spectral-bias Tuning in Implicit Neural Representation by
    Variable-periodic Activation Functions, CVPR 2024; the recipe is that of the authors' code,
    liuzhen0212/FINER.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.peers import finer
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = finer(hidden_width=32, n_layers=2, max_epochs=5)
    >>> encoder.fit(x, np.cos(20 * x[:, 0])).activations_
    ['finer(frequency=30.0, phase=0.0)', 'finer(frequency=30.0, phase=0.0)']
    """
    check_layers(n_layers, frequency=frequency)
    kind = VariablePeriodic if exact_slope else HeldStretch
    return encoder(
        [kind(Sinusoid(frequency=frequency, phase=0.0)) for _ in range(n_layers)],
        Architecture("siren", first_bias=first_bias, output_scale=1.0),
        options,
        learning_rate=learning_rate,
        hidden_width=hidden_width,
        max_epochs=max_epochs,
    )
