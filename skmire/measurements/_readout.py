"""How the values that are fitted are read off a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmire._domain import Domain
from skmire.measurements._base import Measurement
from skmire.measurements._pilot import Pilot
from skmire.measurements._point_values import PointValues
from skmire.networks import Field, NonNegative, ScaledField
from skmire.scaling import CoordinateScaling, Scaling
from skmire.spectrum import estimate_bandwidth

Array = NDArray[np.float64]

_OF_NYQUIST = 1 / 4  # where signals have their bandwidth, if nothing else is known of them


@dataclass(frozen=True)
class Readout:
    """A measurement, and the units of what it reads and gives.

    Parameters
    ----------
    measurement : Measurement
        What values are of the field.
    domain : Domain
        Where the field lives.
    coordinates, values : Scaling
        Between the user's units of the field and the network's.
    targets : Scaling
        Between the user's units of what is measured and those that are trained on.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.measurements import PointValues, Readout
    >>> X, y = np.array([[0.0], [4.0]]), np.array([[1.0], [3.0]])
    >>> readout, pilot = Readout.of(PointValues(), X, y, None, "per_axis")
    >>> readout.domain.radius, readout.targets.centre.tolist()
    (2.0, [2.0])
    """

    measurement: Measurement
    domain: Domain
    coordinates: Scaling
    values: Scaling
    targets: Scaling

    @classmethod
    def of(
        cls,
        measurement: Measurement,
        X: Array,
        y: Array,
        weights: Array | None,
        coordinate_scaling: CoordinateScaling,
        *,
        shifted: Scaling | None = None,
    ) -> tuple[Self, Pilot | None]:
        """Return the readout for a fit, and the pilot that its units are from.

        Parameters
        ----------
        measurement : Measurement
            What values are of the field.
        X : ndarray of shape (n_samples, n_features)
            As in ``fit``.
        y : ndarray of shape (n_samples, n_columns)
            As in ``fit``, a column each.
        weights : ndarray of shape (n_samples,) or None
            Of the samples.
        coordinate_scaling : {"per_axis", "isotropic"}
            As the encoder's.
        shifted : Scaling, default=None
            Of values, where a measurement shifts; ``None`` is by their mean and largest deviation.

        Returns
        -------
        readout : Readout
        pilot : Pilot or None
        """
        measurement.check(X)
        measurement.check_values(y)
        if measurement.nonnegative and measurement.zero_mean_at(X) is not None:
            raise ValueError(
                f"A field of which {type(measurement).__name__} tells no constant cannot be "
                "nonnegative: its constant is settled by a mean of 0. Leave nonnegative False."
            )
        domain = measurement.domain(X)
        units = measurement.units(domain, coordinate_scaling)
        n_outputs = measurement.n_outputs(domain.n_dims, y.shape[1])
        pilot = measurement.pilot(X, y, weights, domain)
        if measurement.shifts and not measurement.nonnegative:
            values = targets = shifted or Scaling.of_values(y, weights)
        else:
            targets = Scaling(np.zeros(y.shape[1]), measurement.magnitudes(y, units.half_range))
            one = np.ones((1, n_outputs))
            values = Scaling.of_magnitudes(one if pilot is None else pilot.values)
        return cls(measurement, domain, units, values, targets), pilot

    @property
    def is_plain(self) -> bool:
        """Whether values are those at points, which a network gives without being measured."""
        return isinstance(self.measurement, PointValues) and not self.measurement.nonnegative

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the field."""
        return len(self.values.centre)

    def bandwidth(self, pilot: Pilot | None, n_samples: int) -> Array:
        """Return the bandwidth of the field along each axis, in radians per unit of the box.

        Parameters
        ----------
        pilot : Pilot or None
            Values of the field; without, a quarter of what so many samples could tell.
        n_samples : int
            How many samples there are.

        Returns
        -------
        bandwidth : ndarray of shape (n_dims,)
            Root mean square angular frequency.
        """
        if pilot is None:
            nyquist = np.pi / 2 * n_samples ** (1 / self.domain.n_dims)
            return np.full(self.domain.n_dims, _OF_NYQUIST * nyquist)
        if pilot.bandwidth is not None:
            return pilot.bandwidth * self.coordinates.half_range
        values = np.clip(self.values.scale(pilot.values), -1, 1)  # without what lies outside
        return estimate_bandwidth(self.coordinates.scale(pilot.points), values, pilot.weights)

    def over(self, network: Field) -> Field:
        """Return the field whose values are a network's, or what of these is above 0.

        Of a mean of networks, the mean is bent, not each of them.

        Parameters
        ----------
        network : Field
            Is shared.

        Returns
        -------
        field : Field
            On scaled coordinates and values.
        """
        return NonNegative(network) if self.measurement.nonnegative else network

    def field_of(self, network: Field) -> ScaledField:
        """Return the field of a network, in the user's units.

        Parameters
        ----------
        network : Field
            On scaled coordinates and values; is shared.

        Returns
        -------
        field : ScaledField
            With an axis of outputs, and 0 outside the domain if that is a ball.
        """
        return ScaledField(
            self.over(network), self.coordinates, self.values, scalar=False, domain=self.domain
        ).to(next(network.parameters()).device)

    def predict(
        self, network: Field, inputs: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return what is measured of a network's field, as it is trained on.

        Parameters
        ----------
        network : Field
            On scaled coordinates and values.
        inputs : Tensor of shape (n_samples, n_features)
            In the user's units, in double precision.
        generator : torch.Generator, default=None
            Of the training that wants it, which may do with an estimate.

        Returns
        -------
        scaled : Tensor of shape (n_samples, n_columns)
            In the precision of the network.
        """
        parameter = next(network.parameters())
        field = self.field_of(network)
        measured = (
            self.measurement.measure(field, inputs)
            if generator is None
            else self.measurement.estimate(field, inputs, generator)
        )
        centre, factor = (
            torch.tensor(numbers, device=inputs.device)
            for numbers in (self.targets.centre, self.targets.factor)
        )
        return ((measured - centre) * factor).to(parameter.dtype.to_real())

    def with_mean_zero(self, means: Array) -> Self:
        """Return the readout whose field is less by its `means`, output by output.

        Parameters
        ----------
        means : ndarray of shape (n_outputs,)
            In the network's units.

        Returns
        -------
        readout : Readout
            Otherwise the same.
        """
        half_range = self.values.half_range
        return replace(self, values=Scaling(-means * half_range, half_range))
