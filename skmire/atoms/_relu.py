"""The rectified linear unit."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from skmire.atoms._base import Atom


class ReLU(Atom):
    r"""Rectified linear unit.

    .. math:: \max(x, 0)

    No parameters and no scale: it is the peers' activation and serves behind an encoding of the
    coordinates. Its kink at 0 makes the fit piecewise linear: second derivatives are 0. Its
    spectrum falls only as :math:`1/\omega^2`.

    References
    ----------
    Nair and Hinton, Rectified Linear Units Improve Restricted Boltzmann Machines, ICML 2010.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import ReLU
    >>> ReLU()(torch.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    name = "relu"
    base: Mapping[str, float] = {}
    scale_parameters = ()
    smoothness = 0

    def __init__(self) -> None:
        super().__init__()

    def forward(self, z: Tensor) -> Tensor:
        return z.relu()
