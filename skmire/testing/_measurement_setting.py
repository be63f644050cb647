"""Small fields for a measurement, and those that watch where they are asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmire.atoms import Gaussian, Sinusoid
from skmire.measurements import Domain, Measurement, Readout
from skmire.networks import Field, LayerStack, ScaledField
from skmire.scaling import Scaling
from skmire.testing._promise import expect

Array = NDArray[np.float64]


def network(domain: Domain, n_outputs: int, *, seed: int = 0) -> LayerStack:
    """Return a smooth network of a few waves across the domain, in double precision."""
    return LayerStack(
        [Sinusoid(frequency=4.0), Gaussian(scale=1.0)],
        in_features=domain.n_dims,
        out_features=n_outputs,
        hidden_width=6,
        generator=torch.Generator().manual_seed(seed),
        dtype=torch.float64,
    )


def readout(measurement: Measurement, X: Array, n_columns: int) -> Readout:
    """Return the measurement with units that leave values as they are."""
    domain = measurement.domain(X.copy())
    n_outputs = measurement.n_outputs(domain.n_dims, n_columns)
    units = [Scaling(np.zeros(n), np.ones(n)) for n in (n_outputs, n_columns)]
    return Readout(measurement, domain, measurement.units(domain, "per_axis"), *units)


def measured(
    measurement: Measurement, X: Array, n_columns: int, *, factor: float = 1.0, plus: float = 0.0
) -> Tensor:
    """Return what is measured of ``factor * field + plus``, of a field that is always the same."""
    read = readout(measurement, X, n_columns)
    inner = network(read.domain, read.n_outputs)
    return of_field(measurement, read.field_of(Changed(inner, factor, plus)), X)


def of_field(measurement: Measurement, field: ScaledField, X: Array) -> Tensor:
    """Return what is measured of a field, without its graph."""
    with torch.enable_grad():  # which derivatives need
        return measurement.measure(field, torch.tensor(X)).detach()


def as_rows(X: Any) -> Array:
    """Return `X` as an encoder would hand it over."""
    rows = np.array(X, dtype=np.float64, ndmin=2)
    expect(rows.ndim == 2 and len(rows) > 1, f"X has shape {np.shape(X)}, not two rows or more")
    return rows


class Changed(Field):
    """A field times a factor, plus a constant."""

    def __init__(self, inner: Field, factor: float, plus: float) -> None:
        super().__init__()
        self.inner, self.factor, self.plus = inner, factor, plus

    def forward(self, coords: Tensor) -> Tensor:
        values: Tensor = self.factor * self.inner(coords) + self.plus
        return values


class Watched(Field):
    """A field that notes where it is asked, in the units of the box."""

    def __init__(self, inner: Field) -> None:
        super().__init__()
        self.inner = inner
        self.places: list[Tensor] = []

    def forward(self, coords: Tensor) -> Tensor:
        self.places.append(coords.detach().reshape(-1, coords.shape[-1]).clone())
        values: Tensor = self.inner(coords)
        return values
