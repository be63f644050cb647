"""A field that is nowhere below 0."""

from __future__ import annotations

import torch
from numpy.polynomial import Polynomial
from torch import Tensor
from torch.nn import functional

from skmire.networks._field import Field

_SHARPNESS = 10.0  # per scaled unit: bent within a tenth of the largest value


class NonNegative(Field):
    r"""What a field is above 0, bent smoothly: :math:`\log(1 + e^{\beta u}) / \beta` of it.

    Where the field is well above 0 it is the same, and where it is well below, next to 0. It can
    be derived as often as the field can.

    Parameters
    ----------
    field : Field
        Its parameters become the field's own.

    References
    ----------
    - Dugas et al., Incorporating Second-Order Functional Knowledge for Better Option Pricing,
      NeurIPS 2000, for the softplus function.

    Examples
    --------
    >>> import torch
    >>> from skmire.networks import Field, NonNegative
    >>> class Line(Field):
    ...     def forward(self, coords):
    ...         return coords
    >>> NonNegative(Line())(torch.tensor([[-1.0], [0.0], [1.0]]))[:, 0]
    tensor([4.5399e-06, 6.9315e-02, 1.0000e+00])
    """

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field

    def forward(self, coords: Tensor) -> Tensor:
        return functional.softplus(self.field(coords), beta=_SHARPNESS)

    @staticmethod
    def jet(values: Tensor, order: int) -> list[Tensor]:
        """Return the bend of values, and its derivatives up to an order.

        The first is the logistic function s, whose own derivative is s (1 - s): all others are
        polynomials of it.

        Parameters
        ----------
        values : Tensor
            Of a field, before they are bent.
        order : int
            At least 0.

        Returns
        -------
        derivatives : list of Tensor, of length 1 + order
            Each of the shape of `values`.
        """
        slope = torch.sigmoid(_SHARPNESS * values)
        found, polynomial = [functional.softplus(values, beta=_SHARPNESS)], Polynomial([0.0, 1.0])
        for _ in range(order):
            total = torch.zeros_like(slope)
            for coefficient in polynomial.coef[::-1]:
                total = total * slope + float(coefficient)
            found.append(total)
            polynomial = _SHARPNESS * Polynomial([0.0, 1.0, -1.0]) * polynomial.deriv()
        return found
