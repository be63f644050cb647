"""Where the coordinates of a grid lie for the encoder inside: on lines, circles and a sphere.

Derivatives by the coordinates follow by the chain rule from those by the places, so an embedding
brings its own first and second derivatives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Of the sphere, in degrees: a degree of a great circle is then of length 1.
RADIUS = 180 / np.pi


class Part(ABC):
    """An embedding of some of the coordinates.

    Attributes
    ----------
    of : tuple of int
        Which coordinates.
    """

    of: tuple[int, ...]

    @abstractmethod
    def places(self, numbers: Array) -> Array:
        """Return the places, (n, n_places), of coordinates, (n, len(of))."""

    @abstractmethod
    def first(self, numbers: Array) -> Array:
        """Return first derivatives, (n, n_places, len(of))."""

    @abstractmethod
    def second(self, numbers: Array) -> Array:
        """Return second derivatives, (n, n_places, len(of), len(of))."""


@dataclass(frozen=True)
class Line(Part):
    """A coordinate as it is."""

    of: tuple[int]

    def places(self, numbers: Array) -> Array:
        return numbers

    def first(self, numbers: Array) -> Array:
        return np.ones((len(numbers), 1, 1))

    def second(self, numbers: Array) -> Array:
        return np.zeros((len(numbers), 1, 1, 1))


@dataclass(frozen=True)
class Circle(Part):
    """A coordinate that comes back after a period, on a circle of that length."""

    of: tuple[int]
    period: float

    def _at(self, numbers: Array) -> tuple[Array, Array, float]:
        radius = self.period / (2 * np.pi)
        angle = numbers[:, 0] / radius
        return np.cos(angle), np.sin(angle), radius

    def places(self, numbers: Array) -> Array:
        cos, sin, radius = self._at(numbers)
        return radius * np.stack([cos, sin], axis=1)

    def first(self, numbers: Array) -> Array:
        cos, sin, _ = self._at(numbers)
        return np.stack([-sin, cos], axis=1)[:, :, None]

    def second(self, numbers: Array) -> Array:
        cos, sin, radius = self._at(numbers)
        return -np.stack([cos, sin], axis=1)[:, :, None, None] / radius


@dataclass(frozen=True)
class Sphere(Part):
    """Latitude and longitude in degrees, in this order, as points in space."""

    of: tuple[int, int]

    def _at(self, numbers: Array) -> tuple[Array, Array, Array, Array]:
        lat, lon = np.deg2rad(numbers).T
        return np.cos(lat), np.sin(lat), np.cos(lon), np.sin(lon)

    def places(self, numbers: Array) -> Array:
        cos_lat, sin_lat, cos_lon, sin_lon = self._at(numbers)
        return RADIUS * np.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], axis=1)

    def first(self, numbers: Array) -> Array:
        cos_lat, sin_lat, cos_lon, sin_lon = self._at(numbers)
        zero = np.zeros_like(cos_lat)
        by_lat = np.stack([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat], axis=1)
        by_lon = np.stack([-cos_lat * sin_lon, cos_lat * cos_lon, zero], axis=1)
        return np.stack([by_lat, by_lon], axis=2)

    def second(self, numbers: Array) -> Array:
        cos_lat, sin_lat, cos_lon, sin_lon = self._at(numbers)
        zero = np.zeros_like(cos_lat)
        lat_lat = -np.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], axis=1)
        lat_lon = np.stack([sin_lat * sin_lon, -sin_lat * cos_lon, zero], axis=1)
        lon_lon = -np.stack([cos_lat * cos_lon, cos_lat * sin_lon, zero], axis=1)
        rows = [np.stack(row, axis=2) for row in ((lat_lat, lat_lon), (lat_lon, lon_lon))]
        return np.stack(rows, axis=2) / RADIUS


@dataclass(frozen=True)
class Embedding:
    """All coordinates, part by part."""

    parts: Sequence[Part]

    @property
    def n_dims(self) -> int:
        return sum(len(part.of) for part in self.parts)

    @property
    def sphere(self) -> Sphere | None:
        return next((part for part in self.parts if isinstance(part, Sphere)), None)

    def places(self, numbers: Array) -> Array:
        """Return the columns for the encoder inside, of shape (n, n_places)."""
        return np.hstack([part.places(numbers[:, part.of]) for part in self.parts])

    def columns(self, part: Part) -> slice:
        """Return which of the columns are a part's."""
        one = np.zeros((1, self.n_dims))
        widths = [p.places(one[:, p.of]).shape[1] for p in self.parts]
        start = sum(widths[: list(self.parts).index(part)])
        return slice(start, start + widths[list(self.parts).index(part)])

    def on_line(self, i: int) -> int | None:
        """Return the column of a coordinate that lies on a line, None of others."""
        part = next(part for part in self.parts if i in part.of)
        return self.columns(part).start if isinstance(part, Line) else None

    def gradient(self, numbers: Array, jacobian: Array) -> Array:
        """Return derivatives by the coordinates, (n, n_outputs, n_dims), from those by places."""
        answer = np.empty((*jacobian.shape[:2], self.n_dims))
        for part in self.parts:
            by_places = jacobian[:, :, self.columns(part)]
            answer[:, :, part.of] = by_places @ part.first(numbers[:, part.of])
        return answer

    def curvature(self, numbers: Array, jacobian: Array, hessian: Array) -> Array:
        """Return unmixed second derivatives by each coordinate, (n, n_outputs, n_dims)."""
        answer = np.empty((*jacobian.shape[:2], self.n_dims))
        for part in self.parts:
            own, some = self.columns(part), numbers[:, part.of]
            first = part.first(some)
            answer[:, :, part.of] = np.einsum(
                "nmab,nai,nbi->nmi", hessian[:, :, own, own], first, first, optimize=True
            ) + np.einsum("nma,naii->nmi", jacobian[:, :, own], part.second(some))
        return answer

    def on_sphere(self, numbers: Array, jacobian: Array, hessian: Array) -> Array:
        r"""Return the Laplacian along the sphere, (n, n_outputs), in degrees.

        Of a function F in space, with the unit normal n and the radius R,
        :math:`\Delta_S F = \operatorname{tr} H - n^T H n - \frac{2}{R}\,n \cdot \nabla F`, which
        needs no division by the cosine of the latitude.
        """
        part = self.sphere
        assert part is not None
        own = self.columns(part)
        normal = part.places(numbers[:, part.of]) / RADIUS
        bend = hessian[:, :, own, own]
        along = np.einsum("nmab,na,nb->nm", bend, normal, normal, optimize=True)
        slope = np.einsum("nma,na->nm", jacobian[:, :, own], normal)
        return np.asarray(np.trace(bend, axis1=2, axis2=3) - along - 2 / RADIUS * slope)
