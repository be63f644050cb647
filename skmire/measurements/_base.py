"""What a value measures of a field."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from torch import Tensor

from skmire._domain import Domain
from skmire.measurements._pilot import Pilot, grid_pilot
from skmire.networks import ScaledField
from skmire.scaling import CoordinateScaling, Scaling

Array = NDArray[np.float64]


class Measurement(BaseEstimator, ABC):
    """What the values in `y` measure of a field: the encoder's `measurement`.

    To write one of your own: say in `domain` where the field lives, and in `measure` how a field
    makes a value of each row of `X`, in operations of torch. Hyper-parameters are taken in
    ``__init__`` and stored, as scikit-learn's estimators do. All else has defaults.

    Attributes
    ----------
    shifts : bool, default=False
        Whether a constant added to the field is added to what is measured, and a factor on the
        field is one on what is measured, output by output. Then values are shifted and scaled as
        those at points are; otherwise they are only scaled.
    differentiates : bool, default=False
        Whether `measure` asks for derivatives of the field by its coordinates. Training then
        derives twice by autograd; otherwise the network is swept through by hand.
    nonnegative : bool, default=False
        Whether the field is nowhere below 0. Then it is what a network gives, bent by
        `skmire.networks.NonNegative`, and values are only scaled.
    n_batches : int, default=16
        Into how many batches an epoch goes, unless the trainer is told; they have at least 32
        samples, and at most 1024.

    See Also
    --------
    PointValues : What there is without one.
    GradientValues : One that asks for derivatives.
    LineIntegrals : One that asks for values along lines.
    skmire.testing.check_measurement : Holds one of your own to what these promise.

    Examples
    --------
    Values that a coarse sensor has averaged over a pixel, from four points in it:

    >>> import numpy as np, torch
    >>> from skmire import FixedSequence, MIREncoder
    >>> from skmire.measurements import Domain, Measurement
    >>> class PixelMean(Measurement):
    ...     shifts = True
    ...     def __init__(self, size=1.0):
    ...         self.size = size
    ...     def domain(self, X):
    ...         return Domain(X.min(axis=0) - self.size / 2, X.max(axis=0) + self.size / 2)
    ...     def measure(self, field, X):
    ...         steps = torch.cartesian_prod(*[torch.tensor([-0.25, 0.25])] * X.shape[1]).to(X)
    ...         return sum(field(X + self.size * step) for step in steps) / len(steps)
    >>> X = np.stack(np.mgrid[:8, :8], axis=-1).reshape(-1, 2).astype(float)
    >>> search = FixedSequence("gaussian")
    >>> encoder = MIREncoder(search=search, measurement=PixelMean(), max_epochs=5)
    >>> encoder.fit(X, np.cos(X[:, 0])).field_at([[3.2, 4.1]]).shape
    (1,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}  # none, unless it has some

    shifts: ClassVar[bool] = False
    differentiates: ClassVar[bool] = False
    n_batches: ClassVar[int] = 16
    nonnegative: bool = False

    def check(self, X: Array) -> None:
        """Raise an error if `X`, of ``fit`` or of a query, is not what the measurement reads.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Checked to be finite.

        Raises
        ------
        ValueError
            If a measurement says so; this one takes all rows.
        """
        return

    def check_values(self, y: Array) -> None:
        """Raise an error if `y`, of ``fit`` or of further training, cannot have been measured.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_columns)
            Checked to be finite.

        Raises
        ------
        ValueError
            If a measurement says so; this one takes all values.
        """
        return

    @abstractmethod
    def domain(self, X: Array) -> Domain:
        """Return where the field lives that `X` measures.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            As in ``fit``, checked to be finite.

        Returns
        -------
        domain : Domain
            In the user's units.

        Raises
        ------
        ValueError
            If there is no such place, though `check` takes each row.
        """

    @abstractmethod
    def measure(self, field: ScaledField, X: Tensor) -> Tensor:
        """Return what a field measures at each row of `X`, differentiably.

        Parameters
        ----------
        field : ScaledField
            From points, of shape (..., n_dims), to values, (..., n_outputs), both in the user's
            units. Its ``domain`` is that of the fit.
        X : Tensor of shape (n_samples, n_features)
            In the user's units, in double precision.

        Returns
        -------
        measured : Tensor of shape (n_samples, n_columns)
            In the units of `y`.
        """

    def estimate(self, field: ScaledField, X: Tensor, generator: torch.Generator) -> Tensor:
        """Return what a step of training sees of `measure`.

        Parameters
        ----------
        field : ScaledField
            As in `measure`.
        X : Tensor of shape (n_samples, n_features)
            As in `measure`.
        generator : torch.Generator
            Of the training, on the CPU.

        Returns
        -------
        measured : Tensor of shape (n_samples, n_columns)
            The same, unless a measurement looks at places drawn at random, others in each step.
        """
        return self.measure(field, X)

    def n_outputs(self, n_dims: int, n_columns: int) -> int:
        """Return how many outputs the field has.

        Parameters
        ----------
        n_dims : int
            Coordinates of the field.
        n_columns : int
            Columns of `y`.

        Returns
        -------
        n_outputs : int
            `n_columns`, unless a measurement says otherwise.

        Raises
        ------
        ValueError
            If there can be no such field.
        """
        return n_columns

    def units(self, domain: Domain, coordinate_scaling: CoordinateScaling) -> Scaling:
        """Return what lies between the coordinates of the field and those of the network.

        Parameters
        ----------
        domain : Domain
            Of the field.
        coordinate_scaling : {"per_axis", "isotropic"}
            As the encoder's.

        Returns
        -------
        scaling : Scaling
            From the box of the domain to [-1, 1], unless coordinates are of different kinds.
        """
        return Scaling.of_coordinates(np.stack([domain.low, domain.high]), coordinate_scaling)

    def magnitudes(self, y: Array, half_range: Array) -> Array:
        """Return by how much each column is divided, where values are not shifted.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_columns)
            As in ``fit``, a column each.
        half_range : ndarray of shape (n_dims,)
            The coordinates' unit in the network, in the user's.

        Returns
        -------
        magnitudes : ndarray of shape (n_columns,)
            The largest ones of each, unless columns belong together.
        """
        return np.asarray(np.abs(y).max(axis=0))

    def pilot(self, X: Array, y: Array, weights: Array | None, domain: Domain) -> Pilot | None:
        """Return a rough field, which says how large it is and how fast it varies.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            As in ``fit``.
        y : ndarray of shape (n_samples, n_columns)
            As in ``fit``, a column each.
        weights : ndarray of shape (n_samples,) or None
            Of the samples.
        domain : Domain
            Of the field.

        Returns
        -------
        pilot : Pilot or None
            Values of the field at points, by a fit of few steps on a coarse grid unless a
            measurement knows better. ``None`` if there is none to be had: then the network's values
            are the field's, and its scales start from how dense the samples are.
        """
        return grid_pilot(self, X, y, weights, domain)

    def zero_mean_at(self, X: Array) -> Array | None:
        """Return points over which the mean of the field is to be 0.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            As in ``fit``.

        Returns
        -------
        points : ndarray of shape (n_samples, n_dims) or None
            For a measurement that cannot tell fields apart that differ by a constant; ``None`` for
            all others.
        """
        return None

    def held_out_together(self, X: Tensor) -> Tensor:
        """Return what samples have alike that are held out together.

        Parameters
        ----------
        X : Tensor of shape (n_samples, n_features)
            As in ``fit``.

        Returns
        -------
        keys : Tensor of shape (n_samples, n_keys)
            Rows that are equal go together, where there are five different ones: `X` itself, unless
            samples tell each other in another way, as neighbouring lines of one projection do.
        """
        return X
