"""Derivatives and integrals of a fitted field, in the user's units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from skmire.encoders._numbers import as_numbers
from skmire.encoders._quadrature import integrate, least_points
from skmire.encoders._queries import Query, Rescale, derivatives_at
from skmire.measurements import Readout
from skmire.networks import LayeredField
from skmire.networks._calculus import TRACE, Axes
from skmire.scaling import Scaling
from skmire.shapes._box import checked_box

Array = NDArray[np.float64]

_HIGHEST = 4


def _firsts(coords: Array) -> list[Axes]:
    return [(i,) for i in range(coords.shape[1])]


class CalculusMixin(ABC):
    """What can be derived from the field that a subclass has fitted.

    Every derivative is that of the fitted function itself, not a difference of its values. Kinks
    and jumps of an atom, which its `smoothness` tells of, are jumps of derivatives.
    """

    network_: LayeredField
    coordinate_scaling_: Scaling
    value_scaling_: Scaling
    bandwidth_: Array
    n_features_in_: int
    _y_ndim: int
    _readout: Readout

    @abstractmethod
    def _query(self, X: ArrayLike) -> Array: ...

    @abstractmethod
    def _field_values(self, network: LayeredField, coords: Array) -> Array: ...

    @abstractmethod
    def _on_domain(self, coords: Array, answer: Array) -> Array: ...

    @abstractmethod
    def _ask(
        self,
        network: LayeredField,
        coords: Array,
        query: Query,
        unscale: Rescale,
        scale: Rescale | None = None,
        share: int = 1,
    ) -> Array: ...

    def gradient(self, X: ArrayLike) -> Array:
        """Return the gradient of the fit, in units of `y` per unit of each coordinate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates.

        Returns
        -------
        gradient : ndarray of shape (n_samples, n_dims) or (n_samples, n_outputs, n_dims)
            The first if `y` was one-dimensional. Always float64.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        return self._gradient(self._query(X))

    def jacobian(self, X: ArrayLike) -> Array:
        """Return the first derivative of every output by every coordinate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates.

        Returns
        -------
        jacobian : ndarray of shape (n_samples, n_outputs, n_dims)
            As `gradient`, but with an axis of outputs even if `y` was one-dimensional.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        coords = self._query(X)
        return self._derivatives(coords, _firsts(coords))

    def hessian(self, X: ArrayLike) -> Array:
        """Return the second derivatives of the fit, in units of `y` per product of two units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates.

        Returns
        -------
        hessian : ndarray of shape (n_samples, n_dims, n_dims) or \
(n_samples, n_outputs, n_dims, n_dims)
            The first if `y` was one-dimensional. Symmetric. Always float64.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        coords = self._query(X)
        n_dims = coords.shape[1]
        pairs = list(combinations_with_replacement(range(n_dims), 2))
        where = [
            [pairs.index((min(i, j), max(i, j))) for j in range(n_dims)] for i in range(n_dims)
        ]
        return self._as_y(self._derivatives(coords, pairs)[..., np.array(where)])

    def laplacian(self, X: ArrayLike) -> Array:
        """Return the sum of the second derivatives by each coordinate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates. They should be in one unit, or the sum means little.

        Returns
        -------
        laplacian : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As `y` was in `fit`, in its unit per squared unit of the coordinates. Always float64.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        return self._as_y(self._derivatives(self._query(X), [TRACE])[..., 0])

    def divergence(self, X: ArrayLike) -> Array:
        """Return the divergence of a fitted vector field.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates.

        Returns
        -------
        divergence : ndarray of shape (n_samples,)
            The sum of the derivatives of each output by the coordinate of its place. Always
            float64.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        ValueError
            If there are not as many outputs as coordinates.
        """
        coords = self._query(X)
        self._is_vector_field("divergence", coords)
        slopes = self._derivatives(coords, _firsts(coords))
        return np.asarray(np.einsum("nii->n", slopes))

    def curl(self, X: ArrayLike) -> Array:
        """Return the curl of a fitted vector field in two or three dimensions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates; as axes they are right-handed in their order.

        Returns
        -------
        curl : ndarray of shape (n_samples,) or (n_samples, 3)
            In two dimensions the one component across the plane, the derivative of the second
            output by the first coordinate less that of the first output by the second. Always
            float64.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        ValueError
            If there are not as many outputs as coordinates, and two or three of both.
        """
        coords = self._query(X)
        self._is_vector_field("curl", coords)
        if coords.shape[1] not in (2, 3):
            raise ValueError(
                f"curl is defined in 2 and 3 dimensions; this fit has {coords.shape[1]}. Take the "
                "differences that you need from jacobian."
            )
        slopes = self._derivatives(coords, _firsts(coords))
        turns = slopes.swapaxes(1, 2) - slopes  # [i, j]: of output j by i, less of i by j
        if coords.shape[1] == 2:
            return turns[:, 0, 1]
        return np.stack([turns[:, 1, 2], turns[:, 2, 0], turns[:, 0, 1]], axis=1)

    def directional_derivative(self, X: ArrayLike, v: ArrayLike) -> Array:
        """Return the derivative of the fit along a direction.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates.
        v : array-like of shape (n_dims,) or (n_samples, n_dims)
            One direction, or one for each row of `X`, in the units of the coordinates. Its length
            counts: a unit vector gives the slope, a velocity the change per unit of time.

        Returns
        -------
        derivative : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As `y` was in `fit`; the derivative of the values at ``X + t * v`` by `t`, at t = 0.
            Always float64.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        ValueError
            If `v` is of another shape, or not finite.
        """
        coords = self._query(X)
        along = as_numbers("v", v)
        if along.shape not in (coords.shape, coords.shape[1:]) or not np.isfinite(along).all():
            raise ValueError(
                f"v must be one finite vector, of shape {coords.shape[1:]}, or one a row of X, of "
                f"shape {coords.shape}; got shape {along.shape}"
                + ("" if np.isfinite(along).all() else ", with NaN or infinity")
                + ". Pass a component for each coordinate."
            )
        scaled = np.broadcast_to(along * self.coordinate_scaling_.factor, coords.shape)
        # Each row's common size apart, so that nothing leaves the range of single precision.
        unit = np.abs(scaled).max(axis=1, keepdims=True)
        unit[unit == 0] = 1.0
        n_dims = coords.shape[1]
        answer = self._ask(
            self.network_,
            np.hstack([coords, scaled / unit]),
            derivatives_at(None, [(0,)]),
            lambda found: found[..., 0] * self.value_scaling_.half_range,
            lambda both: np.hstack(
                [self.coordinate_scaling_.scale(both[:, :n_dims]), both[:, n_dims:]]
            ),
            share=2,
        )
        return self._as_y(self._on_domain(coords, answer * unit))

    def derivative(self, X: ArrayLike, order: int | Sequence[int]) -> Array:
        """Return one partial derivative, of any mixed order up to 4.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates.
        order : sequence of int of length n_dims, or int
            How often to derive by each coordinate, 1 to 4 times in all: ``(2, 0, 1)`` is twice by
            the first coordinate and once by the third. A number will do for one coordinate.

        Returns
        -------
        derivative : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As `y` was in `fit`, in its unit per the units of the coordinates that it is derived by.
            Always float64.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        ValueError
            If `order` is not as documented.
        """
        coords = self._query(X)
        n_dims = coords.shape[1]
        times = np.atleast_1d(as_numbers("order", order))
        fits = times.shape == (n_dims,) and 1 <= times.sum() <= _HIGHEST
        if not fits or times.min() < 0 or np.any(times % 1):
            raise ValueError(
                f"order must hold a whole number of at least 0 for each of the {n_dims} "
                f"coordinate(s), and their sum must be 1 to {_HIGHEST}; got {order!r}. Values come "
                "from predict."
            )
        axes = tuple(i for i, k in enumerate(times) for _ in range(int(k)))
        return self._as_y(self._derivatives(coords, [axes])[..., 0])

    def integral(
        self, box: ArrayLike | None = None, *, tolerance: float = 1e-6, max_points: int = 2**22
    ) -> tuple[Array, Array]:
        """Return the integral of the fit over a box, and how far it may be off.

        Gauss-Lobatto quadrature with eight nodes a panel along each coordinate; panels are halved
        where the result still changes, until the error is within the tolerance.

        Parameters
        ----------
        box : array-like of shape (n_dims, 2), default=None
            Lower and upper end along each coordinate. ``None`` is the extent of the fitted ones.
        tolerance : float, default=1e-6
            Of the error, as a share of the integral of the magnitude.
        max_points : int, default=4194304
            Where the fit is evaluated at most. Each coordinate takes 16 times as many: 24 for one,
            and over a million for five.

        Returns
        -------
        integral : ndarray of shape () or (n_outputs,)
            In the unit of `y` times that of each coordinate. Always float64.
        error : ndarray of shape () or (n_outputs,)
            An estimate, in the same unit, from the changes by halving and the rounding of the
            computation's `dtype`. Where the fit is smooth, the integral is better than that.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        ValueError
            If `box`, `tolerance` or `max_points` is not as documented.

        Warns
        -----
        ConvergenceWarning
            If `max_points` do not suffice for the tolerance, or would not, as values of the
            computation's `dtype` are rounded. The error says what was reached.
        """
        ends = self._box(box, flat=True)
        if not as_numbers("tolerance", tolerance) > 0:
            raise ValueError(f"tolerance must be above 0, got {tolerance!r}.")
        least = least_points(len(ends))
        if not as_numbers("max_points", max_points) >= least:
            raise ValueError(
                f"max_points must be at least {least:,} for {len(ends)} "
                f"coordinate(s), got {max_points!r}. Raise it; in many dimensions, the mean of "
                "predict at random points of the box costs less."
            )
        eps = torch.finfo(self.network_.output.bias.dtype.to_real()).eps
        turns = self.bandwidth_ * self.coordinate_scaling_.half_range
        value, error = integrate(
            lambda points: self._field_values(self.network_, points).reshape(len(points), -1),
            ends[:, 0],
            ends[:, 1],
            angular_frequency=self.bandwidth_,
            tolerance=tolerance,
            max_points=int(max_points),
            precision=eps,
            rounding=eps * max(1.0, turns.max()),  # of coordinates, as it turns up in values
        )
        return (value[0], error[0]) if self._y_ndim == 1 else (value, error)

    def _box(self, box: ArrayLike | None, *, flat: bool = False) -> Array:
        """Return the ends of a box along each coordinate: the extent of the fitted ones if None."""
        check_is_fitted(self)
        domain = self._readout.domain
        ends = np.stack([domain.low, domain.high], 1) if box is None else as_numbers("box", box)
        return checked_box(ends, domain.n_dims, flat=flat)

    def _gradient(self, coords: Array) -> Array:
        """Return what `gradient` does, at coordinates that were checked."""
        return self._as_y(self._derivatives(coords, _firsts(coords)))

    def _derivatives(self, coords: Array, wanted: Sequence[Axes]) -> Array:
        """Return derivatives by the coordinates, (n_samples, n_outputs, n_wanted)."""
        factor = self.coordinate_scaling_.factor
        if TRACE in wanted:  # is a sum over coordinates, so they are in one unit from the start
            unit = float(factor.max()) or 1.0
            directions, units = np.diag(factor / unit), np.array([unit**2])
        else:
            directions = np.eye(len(factor))
            units = np.array([np.prod(factor[list(axes)]) for axes in wanted])
        n_channels = 1 + len(factor) + len(wanted)
        answer = self._ask(
            self.network_,
            coords,
            derivatives_at(directions, wanted),
            lambda found: found * units * self.value_scaling_.half_range[:, None],
            share=max(2, n_channels // 8),
        )
        return self._on_domain(coords, answer)

    def _is_vector_field(self, query: str, coords: Array) -> None:
        n_outputs, n_dims = len(self.value_scaling_.centre), coords.shape[1]
        if n_outputs != n_dims:
            raise ValueError(
                f"{query} is that of a vector field, with one output for each coordinate; this fit "
                f"has {n_outputs} output(s) and {n_dims} coordinate(s). Fit the components along "
                "the coordinates, in their order, as the columns of y."
            )

    def _as_y(self, answer: Array) -> Array:
        """Drop the axis of outputs if `y` had none."""
        return answer[:, 0] if self._y_ndim == 1 else answer
