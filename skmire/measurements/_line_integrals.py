"""Integrals along lines and segments."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from functools import cache
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.polynomial import Polynomial
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor

from skmire._domain import Domain
from skmire.measurements._base import Measurement
from skmire.measurements._pilot import Pilot, grid_pilot
from skmire.networks import ScaledField

Array = NDArray[np.float64]

_RIM = 0.99  # of the radius; lines beyond it are the outermost
_FEW = 10  # lines that are the outermost, with fewer there is no telling
_SURE = 3.0  # standard errors of their mean, which noise hardly exceeds
_CUT_OFF = 0.25  # of the mean magnitude of integrals; beyond, the outermost are not about 0
_TURNS = 4 * math.pi  # radians; beyond, an angle is likely to be in degrees
# Begins the series of arcsin, times 40320. It takes nodes that crowd at the ends apart.
_SAUSAGE = Polynomial([0, 40320, 0, 6720, 0, 3024, 0, 1800, 0, 1225]) / 53089


class LineIntegrals(Measurement):
    r"""Integrals of the field along lines, as in computed tomography, or along segments.

    Lines are in the plane, a row each of the angle :math:`\theta`, in radians, and the signed
    offset s, in the unit of the field's coordinates, of

    .. math:: x \cos\theta + y \sin\theta = s.

    The field then lives on the disc about the origin whose radius is the largest magnitude of an
    offset in ``fit``, and is 0 outside it: lines must reach past the body, and a warning says where
    they seem not to. Segments are in any number of dimensions, a row each of the coordinates of
    their origin, then those of their direction: from the origin to origin + direction, so that the
    length of the direction counts. The field then lives in the box of all their ends.

    A value is the integral by length, in the field's unit times that of its coordinates: the mean
    along a segment, times its length.

    Parameters
    ----------
    geometry : {"lines", "segments"}, default="lines"
        What a row of `X` is.
    n_nodes : int, default=64
        Where the field is evaluated along each. A field that turns by up to about ``4 * n_nodes``
        radians from end to end is integrated to four digits: for an image of n pixels across, take
        at least n / 2, and n for its finest detail. A fit takes time in proportion.
    nonnegative : bool, default=False
        Whether the field is known to be nowhere below 0, as what absorbs is. From few angles that
        is worth much: where a value is 0, all that crosses there is told apart.

    See Also
    --------
    PointValues : Values at points.
    GradientValues : Derivatives at points.

    Notes
    -----
    Gauss-Legendre nodes, moved by the polynomial "sausage" map of degree 9 [1]_ so that they lie
    about evenly: of what varies alike along a line, they resolve a third more than those of
    Gauss-Legendre do, and unlike even spacing they lose nothing at the ends. Fewer than five nodes
    stay where they are: moved, they would not integrate a constant.

    References
    ----------
    .. [1] Hale and Trefethen, New quadrature formulas from conformal maps, SIAM Journal on
       Numerical Analysis 46, 2008.
    .. [2] Natterer, The Mathematics of Computerized Tomography, 1986, chapter II, for the Radon
       transform.

    Examples
    --------
    A Gaussian bump from its integrals along lines at 12 angles:

    >>> import numpy as np
    >>> from skmire import FixedSequence, MIREncoder
    >>> from skmire.measurements import LineIntegrals
    >>> angles = np.linspace(0, np.pi, 12, endpoint=False)
    >>> angle, offset = np.meshgrid(angles, np.linspace(-1, 1, 21))
    >>> X = np.stack([angle.ravel(), offset.ravel()], axis=1)
    >>> y = np.sqrt(np.pi / 8) * np.exp(-8 * X[:, 1] ** 2)
    >>> encoder = MIREncoder(
    ...     search=FixedSequence("gaussian", n_layers=2), measurement=LineIntegrals(n_nodes=16),
    ...     hidden_width=32, max_epochs=200, random_state=0,
    ... ).fit(X, y)
    >>> bool(abs(encoder.field_at([[0.2, 0.1]])[0] - np.exp(-8 * 0.05)) < 0.05)
    True
    >>> encoder.field_at([[0.9, 0.9]]).tolist()  # outside the disc
    [0.0]
    """

    n_batches = 128  # from few lines a field is found in many steps (benchmarks/tomography.py)

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "geometry": [StrOptions({"lines", "segments"})],
        "n_nodes": [Interval(Integral, 1, None, closed="left")],
        "nonnegative": ["boolean"],
    }

    def __init__(
        self, geometry: str = "lines", *, n_nodes: int = 64, nonnegative: bool = False
    ) -> None:
        self.geometry = geometry
        self.n_nodes = n_nodes
        self.nonnegative = nonnegative

    def check(self, X: Array) -> None:
        n_columns = X.shape[1]
        if self.geometry == "segments":
            if n_columns % 2:
                raise ValueError(
                    "X must hold the origin of a segment and then its direction, so many columns "
                    f"of each; got {n_columns} columns. Pass np.hstack([origins, directions])."
                )
            return
        if n_columns != 2:
            raise ValueError(
                "X must hold two columns of a line, its angle in radians and its signed "
                f"offset; got {n_columns}. Origins and directions of segments are for "
                'LineIntegrals("segments").'
            )
        if (most := np.abs(X[:, 0]).max()) > _TURNS:
            warnings.warn(
                f"X has angles of up to {most:g} radians, more than two turns. Are they in "
                "degrees? Then pass np.deg2rad of them.",
                stacklevel=2,
            )

    def domain(self, X: Array) -> Domain:
        if self.geometry == "segments":
            origin, direction = np.split(X, 2, axis=1)
            return Domain.around(np.concatenate([origin, origin + direction]))
        radius = float(np.abs(X[:, 1]).max())
        if radius == 0:
            raise ValueError(
                "X must hold offsets of which one is not 0: the largest is the radius of the "
                f"disc that the field lives on; all {len(X)} are 0. Lines through the origin "
                "alone do not tell a field; add a line that just misses it."
            )
        return Domain.ball(2, radius=radius)

    def measure(self, field: ScaledField, X: Tensor) -> Tensor:
        nodes, weights = (torch.tensor(numbers).to(X) for numbers in _rule(self.n_nodes))
        if self.geometry == "lines":
            assert field.domain is not None
            angle, offset = X[:, :1], X[:, 1:]
            normal = torch.cat([angle.cos(), angle.sin()], dim=1)
            chord = (field.domain.radius**2 - offset.square()).clamp(min=0).sqrt()
            middle = offset * normal
            half = chord * torch.stack([-normal[:, 1], normal[:, 0]], dim=1)
        else:
            origin, direction = X.chunk(2, dim=1)
            half = direction / 2
            middle = origin + half
        values = field(middle[:, None] + nodes[:, None] * half[:, None])
        length = torch.linalg.vector_norm(half, dim=1, keepdim=True)
        integrals: Tensor = (values * weights[:, None]).sum(dim=1) * length
        return integrals

    def pilot(self, X: Array, y: Array, weights: Array | None, domain: Domain) -> Pilot:
        if self.nonnegative and np.average(y, axis=0, weights=weights).min() < 0:
            warnings.warn(
                "y is below 0 on the mean, as no integrals are of a field that is nowhere below 0. "
                "Pass what is absorbed, as -np.log of what comes through, or leave nonnegative "
                "False.",
                stacklevel=2,
            )
        if self.geometry == "lines":
            _ask_about_what_is_cut_off(np.abs(X[:, 1]), y)
        # The grid's slopes by its variance. It is fitted in few steps, and so has little noise; to
        # look for some in its spectrum, as in that of samples, takes the field's edges for it.
        rough = grid_pilot(self, X, y, weights, domain)
        n_dims, n_outputs = domain.n_dims, rough.values.shape[1]
        along = round(len(rough.values) ** (1 / n_dims))
        grid = rough.values.reshape(*[along] * n_dims, n_outputs)
        steps = (domain.high - domain.low) / (along - 1)
        variance = np.square(rough.values - rough.values.mean(axis=0)).mean(axis=0).sum()
        squares = np.array(
            [np.square(np.diff(grid, axis=k)).sum(axis=-1).mean() for k in range(n_dims)]
        )
        scale = variance * steps**2
        ratio = np.divide(squares, scale, out=np.zeros(n_dims), where=scale > 0)
        return replace(rough, bandwidth=np.sqrt(ratio))

    def held_out_together(self, X: Tensor) -> Tensor:
        # Lines of one angle tell their neighbours; what lies between the angles is to be judged.
        if self.geometry == "segments":
            return X
        turned = 2 * X[:, 0]  # as a line has an angle and that opposite
        return torch.stack([turned.cos(), turned.sin()], dim=1).round(decimals=9) + 0.0


def _ask_about_what_is_cut_off(offsets: Array, y: Array) -> None:
    outermost = y[offsets >= _RIM * offsets.max()]
    at_the_rim = np.abs(outermost.mean(axis=0))
    by_noise = _SURE * outermost.std(axis=0) / np.sqrt(len(outermost))
    is_far = at_the_rim > np.maximum(_CUT_OFF * np.abs(y).mean(axis=0), by_noise)
    if len(outermost) >= _FEW and is_far.any():
        warnings.warn(
            f"Integrals along the outermost lines, at an offset of {offsets.max():g}, are "
            f"{at_the_rim.max():.3g} on the mean, where a body within them gives 0. The field is 0 "
            "beyond: lines must reach past the body on all sides. Add lines with larger offsets "
            "that miss it, and whose values are 0, or look whether offsets are from the axis of "
            "rotation.",
            stacklevel=2,
        )


@cache
def _rule(n: int) -> tuple[Array, Array]:
    """Return nodes and weights on [-1, 1]."""
    nodes, weights = leggauss(n)
    if 2 * n - 1 < _SAUSAGE.degree() - 1:  # too few to integrate the map's slope
        return nodes, weights
    return _SAUSAGE(nodes), weights * _SAUSAGE.deriv()(nodes)
