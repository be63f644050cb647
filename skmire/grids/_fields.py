"""One fitted field: an encoder inside, and what its coordinates and values are called outside."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skmire.grids._axes import Axis, refuse_unknown
from skmire.grids._embeddings import Embedding

Array = NDArray[np.float64]
Extrapolate = Literal["nan", "raise", "allow"]
#: From a field and the numbers of its coordinates, (n, n_dims), to answers, (n, n_answers): one or
#: more for each variable, variable by variable.
Query = Callable[["Field", Array], Array]

_BLOCK = 2**16  # places that are asked for together


@dataclass(frozen=True)
class Field:
    """A fitted encoder among the variables and axes of a data set.

    Attributes
    ----------
    variables : tuple of hashable
        Names of its outputs.
    dims : tuple of hashable
        Of each of them.
    axes : tuple of Axis
        What it is a function of.
    embedding : Embedding
        Where these lie for the encoder.
    encoder : estimator
        Fitted on the places.
    """

    variables: tuple[Hashable, ...]
    dims: tuple[Hashable, ...]
    axes: tuple[Axis, ...]
    embedding: Embedding
    encoder: Any

    @property
    def names(self) -> list[str]:
        return [axis.name for axis in self.axes]

    def axis(self, name: str) -> int:
        """Return the position of an axis, or say which there are."""
        refuse_unknown([name], self.names)
        return self.names.index(name)

    def values(self, numbers: Array) -> Array:
        """Return the values of the fit, (n, n_variables)."""
        values = self.encoder.predict(self.embedding.places(numbers))
        return np.asarray(values, dtype=np.float64).reshape(len(numbers), -1)

    def gradient(self, numbers: Array) -> Array:
        """Return first derivatives by the coordinates, (n, n_variables, n_dims)."""
        return self.embedding.gradient(numbers, self._derived("jacobian", numbers))

    def curvature(self, numbers: Array) -> Array:
        """Return second derivatives by each coordinate alone, (n, n_variables, n_dims)."""
        return self.embedding.curvature(numbers, *self.by_places(numbers))

    def seconds(self, numbers: Array, which: Sequence[int]) -> Array:
        """Return second derivatives by some coordinates alone, (n, n_variables, len(which)).

        On lines they are those by single places, which cost less than all, and the mixed ones.
        """
        on_lines = (self.embedding.on_line(i) for i in which)
        columns = [column for column in on_lines if column is not None]
        if len(columns) < len(which) or not hasattr(self.encoder, "derivative"):
            return self.curvature(numbers)[:, :, which]
        places = self.embedding.places(numbers)
        orders = 2 * np.eye(places.shape[1], dtype=np.int64)[columns]
        found = [self.encoder.derivative(places, order) for order in orders]
        return np.stack([one.reshape(len(numbers), -1) for one in found], axis=2)

    def by_places(self, numbers: Array) -> tuple[Array, Array]:
        """Return first and second derivatives by the places, with an axis of outputs."""
        return self._derived("jacobian", numbers), self._derived("hessian", numbers)

    def _derived(self, kind: str, numbers: Array) -> Array:
        """Return derivatives by the places, with an axis of outputs behind that of places."""
        if not hasattr(self.encoder, kind):
            raise TypeError(
                f"Derivatives need an encoder with a {kind}; {type(self.encoder).__name__} has "
                "none. Use an encoder of skmire, as in GridEncoder(MIREncoder())."
            )
        found: Array = getattr(self.encoder, kind)(self.embedding.places(numbers))
        if kind == "hessian" and len(self.variables) == 1 and found.ndim == 3:
            found = found[:, None]
        return found


@dataclass(frozen=True)
class Zeros:
    """In an encoder's place, where it is only asked whether a question can be answered."""

    n_outputs: int

    def predict(self, places: Array) -> Array:
        return np.zeros((len(places), self.n_outputs))


@dataclass(frozen=True)
class Asked:
    """A query of a field as a function of arrays that broadcast: one for each axis.

    Attributes
    ----------
    field : Field
    query : callable
    extrapolate : {"nan", "raise", "allow"}
    dtype : dtype
        Of the answer.
    n_answers : int
        How many numbers the query returns for a place.
    """

    field: Field
    query: Query
    extrapolate: Extrapolate
    dtype: np.dtype[Any]
    n_answers: int

    def __call__(self, *columns: Array) -> NDArray[Any]:
        """Return answers, of the broadcast shape and an axis of answers.

        The mesh of the coordinates is built for a block of places at a time.
        """
        shape = np.broadcast_shapes(*(column.shape for column in columns))
        spread = [np.broadcast_to(column, shape) for column in columns]
        n_places = int(np.prod(shape))
        answers = np.empty((n_places, self.n_answers), self.dtype)
        for start in range(0, n_places, _BLOCK):
            flat = np.arange(start, min(start + _BLOCK, n_places))
            index = np.unravel_index(flat, shape) if shape else (...,)
            numbers = np.stack([column[index].reshape(len(flat)) for column in spread], axis=1)
            answers[flat[0] : flat[-1] + 1] = self.at(numbers)
        return answers.reshape(*shape, self.n_answers)

    def at(self, numbers: Array) -> Array:
        """Return answers at places, (n, n_answers); NaN where a coordinate is missing."""
        asked = np.isfinite(numbers).all(axis=1)
        axes = self.field.axes
        numbers = np.stack([axis.turned(numbers[:, i]) for i, axis in enumerate(axes)], axis=1)
        if self.extrapolate != "allow":
            inside = within(axes, numbers)
            if self.extrapolate == "raise" and not inside[asked].all():
                raise ValueError(self._outside(numbers[asked & ~inside][0]))
            asked &= inside
        answers = np.full((len(numbers), self.n_answers), np.nan)
        if asked.any():
            answers[asked] = self.query(self.field, numbers[asked])
        return answers

    def _outside(self, numbers: Array) -> str:
        for axis, number in zip(self.field.axes, numbers, strict=True):
            if not axis.contains(np.array([number]))[0]:
                place, low, high = (axis.codec.decode(np.array([x]))[0]
                                    for x in (number, axis.low, axis.high))  # fmt: skip
                return (
                    f"{axis.name} must be within the fitted range, {low} to {high}; got {place}. "
                    'Ask within it, or say extrapolate="nan" or "allow".'
                )
        raise AssertionError


def within(axes: Sequence[Axis], numbers: Array) -> NDArray[np.bool_]:
    """Return which places are in the fitted range of every axis."""
    inside = np.ones(len(numbers), dtype=bool)
    for i, axis in enumerate(axes):
        inside &= axis.contains(numbers[:, i])
    return inside
