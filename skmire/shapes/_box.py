"""Boxes, and the regular grids in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def checked_box(box: ArrayLike, n_dims: int, *, flat: bool = False) -> Array:
    """Return a lower and an upper end for each of `n_dims` coordinates, of shape (n_dims, 2).

    They may be the same only in a box that may be flat.
    """
    ends = np.asarray(box, dtype=float)
    fits = ends.shape == (n_dims, 2) and np.isfinite(ends).all()
    if not fits or not (np.less_equal if flat else np.less)(ends[:, 0], ends[:, 1]).all():
        order = "in this order" if flat else "the lower one below"
        raise ValueError(
            f"box must hold a lower and an upper end for each of the {n_dims} coordinate(s), of "
            f"shape ({n_dims}, 2), finite and {order}; got {ends.tolist()}."
        )
    return ends


def grid_axes(box: Array, resolution: int | Sequence[int]) -> list[Array]:
    """Return the coordinates of a regular grid along each side of a box, its ends included.

    A number is that of points along the longest side; the others have as many as leave the
    spacing about the same.
    """
    sides = box[:, 1] - box[:, 0]
    shape = np.asarray(resolution)
    if shape.ndim == 0 and shape.dtype.kind in "iu" and shape >= 2:
        shape = np.maximum(np.round((shape - 1) * sides / sides.max()).astype(int) + 1, 2)
    if shape.shape != (len(box),) or shape.dtype.kind not in "iu" or shape.min() < 2:
        raise ValueError(
            f"resolution must be a number of points of at least 2, or {len(box)} of them; got "
            f"{resolution!r}."
        )
    return [np.linspace(low, high, n) for (low, high), n in zip(box, shape, strict=True)]


def stretches(n: int, size: int, *, least: int = 1) -> Iterator[slice]:
    """Yield the planes of slabs of a grid of `n` planes, `size` points each, about 4 million."""
    planes = max(2**22 // max(size, 1), least)
    for start in range(0, n, planes):
        yield slice(start, min(start + planes, n))


def slabs(shape: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """Yield parts of a grid that make it up, about 4 million points each: planes, or parts of one.

    Axes are cut from the first one on, until what is left of them is small enough.
    """
    if not shape:
        yield ()
        return
    for part in stretches(shape[0], prod(shape[1:])):
        for others in slabs(shape[1:]):
            yield (part, *others)
