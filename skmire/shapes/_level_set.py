"""The surface at a level of a function: marching cubes in slabs, then Newton's steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmire._optional import require
from skmire.datasets._grids import grid_points
from skmire.shapes._box import Array, checked_box, grid_axes, stretches
from skmire.shapes._mesh import Mesh

Function = Callable[[Array], Array]

_NEAREST = 1e-3  # least distance of a vertex from a grid point, in spacings
_SHELL = 1e-2  # how far outside the box its closing faces lie, in spacings


class NoSurface(ValueError):
    """The function is nowhere in the box above the level."""


def level_set_mesh(
    values: Function,
    gradient: Function,
    box: ArrayLike,
    resolution: int | Sequence[int] = 128,
    *,
    level: float = 0.0,
    newton_steps: int = 3,
) -> Mesh:
    r"""Return the surface around where a function exceeds a level.

    Marching cubes on a regular grid, a slab at a time, then steps of Newton's method along the
    gradient, :math:`x - (f(x) - \text{level}) \nabla f / |\nabla f|^2`, for each vertex as far as
    they bring it nearer to the level and leave it within a spacing of the grid. Normals are those
    of the gradient. Where the box cuts the shape, the surface is closed along the box, a hundredth
    of a spacing outside.

    Parameters
    ----------
    values : callable
        From points of shape (n, 3) to values of shape (n,), above `level` inside. Of a signed
        distance that is negative inside, take the negative.
    gradient : callable
        From points to the gradient of `values` there, of shape (n, 3).
    box : array-like of shape (3, 2)
        Lower and upper end along each coordinate.
    resolution : int or sequence of 3 int, default=128
        Points of the grid along each side of the box; a number is that along the longest, and the
        spacing of the others is about the same.
    level : float, default=0.0
        Of the surface.
    newton_steps : int, default=3
        At most, for each vertex; 0 leaves those of marching cubes.

    Returns
    -------
    mesh : Mesh
        In the units of the box. Memory grows with its size and that of a slab, about four million
        points of the grid.

    Raises
    ------
    ImportError
        If scikit-image, the extra ``mesh``, is not installed.
    ValueError
        If the box or the resolution is not as documented, nothing in the box exceeds the level, or
        the gradient points away from where the values rise.

    References
    ----------
    Lewiner et al., Efficient Implementation of Marching Cubes' Cases with Topological Guarantees,
    2003; as scikit-image computes it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.shapes import level_set_mesh
    >>> ball = level_set_mesh(
    ...     lambda X: 1 - (X**2).sum(axis=1), lambda X: -2 * X, box=[[-2, 2]] * 3, resolution=20
    ... )
    >>> bool(abs(np.linalg.norm(ball.vertices, axis=1) - 1).max() < 1e-6)  # radius
    True
    """
    measure = require("skimage.measure", extra="mesh", purpose="Meshes of level sets")
    ends = checked_box(box, 3)
    axes = grid_axes(ends, resolution)
    values, gradient = _checked("values", values), _checked("gradient", gradient, 3)
    shape = np.array([len(axis) for axis in axes])
    places, faces, n = [np.empty((0, 3))], [np.empty((0, 3), dtype=np.int32)], 0
    for offset, block in _slabs(lambda X: values(X) - level, axes):
        if block.max() <= 0 or block.min() >= 0:
            continue
        found, triangles, *_ = measure.marching_cubes(block, 0.0, gradient_direction="ascent")
        places.append(found + np.array([offset, -1, -1]))
        faces.append(triangles + n)
        n += len(found)
    if not n:
        raise NoSurface(
            f"There is no surface at level {level:g}: at none of {shape.prod():,} points of the "
            f"box {ends.tolist()} is the value above it. Take a lower level, a finer resolution or "
            "another box."
        )
    index, triangles = np.concatenate(places), np.concatenate(faces)
    del places, faces  # as large again
    index, triangles = _joined(index, triangles, shape)
    spacing = (ends[:, 1] - ends[:, 0]) / (shape - 1)
    below, above = index < 0, index > shape - 1
    index = np.where(below, -_SHELL, np.where(above, shape - 1 + _SHELL, index))
    vertices, normals = ends[:, 0] + index * spacing, above.astype(float) - below
    for part in stretches(len(vertices), 8):  # of some eight such arrays
        inner = part.start + np.flatnonzero(~(below | above)[part].any(axis=1))
        at = index[inner]
        free = (at > 0) & (at < shape - 1)  # others stay on their side of the box
        # Those of the box's edges stay between their points of the grid, or they could meet at one.
        between = np.abs(at - np.round(at)).max(axis=1, keepdims=True)
        room = np.where(free.sum(axis=1, keepdims=True) > 1, 1.0, between / 2) * spacing
        vertices[inner], normals[inner] = _refined(
            lambda X: values(X) - level,
            gradient,
            vertices[inner],
            free=free,
            room=room,
            steps=newton_steps,
        )
    _check_side(vertices, triangles, normals)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return Mesh(vertices, triangles, normals / np.maximum(lengths, np.finfo(float).tiny))


def _checked(name: str, function: Function, *width: int) -> Function:
    """Return the function with its answers looked at, without an axis of one output."""

    def checked(points: Array) -> Array:
        answer, shape = np.asarray(function(points)), (len(points), *width)
        if answer.shape not in (shape, (len(points), 1, *width)):
            raise ValueError(
                f"level_set_mesh(..., {name}=...) must return an array of shape {shape} for "
                f"{len(points)} points, got {answer.shape}."
            )
        if not np.isfinite(answer).all():
            raise ValueError(
                f"level_set_mesh(..., {name}=...) must return finite numbers in all of the box. "
                "Take a smaller box, or a value below the level where there is none."
            )
        return answer.reshape(shape)

    return checked


def _check_side(vertices: Array, faces: NDArray[np.int64], normals: Array) -> None:
    """Refuse a gradient of the other sign, by which every step leads away from the surface."""
    agreeing = 0
    for part in stretches(len(faces), 16):  # of some sixteen such arrays
        a, b, c = (vertices[faces[part, i]] for i in range(3))
        sides = (np.cross(b - a, c - a) * normals[faces[part, 0]]).sum(axis=1)
        agreeing += int(np.sign(sides).sum())
    if agreeing < 0:
        raise ValueError(
            "level_set_mesh(..., gradient=...) must be that of values, which are above the level "
            "inside; at most faces it has the wrong sign, and points to where they fall. Return "
            "the negative of it."
        )


def _slabs(values: Function, axes: list[Array]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the first plane of each slab, from -1, and its values, one point outside all around.

    Neighbours share a plane. Values are bent to (-1, 1), which keeps signs and order, and outside
    is -1. None is so near 0 that a vertex would fall on a point of the grid.
    """
    coarse = np.abs(values(grid_points([axis[:: -(-len(axis) // 16)] for axis in axes])))
    unit = float(np.median(coarse)) or 1.0
    size = len(axes[1]) * len(axes[2])
    plane = np.full((1, len(axes[1]) + 2, len(axes[2]) + 2), -1, dtype=np.float32)
    held = plane
    for part in stretches(len(axes[0]), size):
        heights = values(grid_points([axes[0][part], *axes[1:]]))
        bent = heights / (unit + np.abs(heights))
        bent = np.where(np.abs(bent) < _NEAREST, np.where(bent > 0, _NEAREST, -_NEAREST), bent)
        block = bent.astype(np.float32).reshape(-1, len(axes[1]), len(axes[2]))
        block = np.pad(block, ((0, 0), (1, 1), (1, 1)), constant_values=-1)
        last = [plane] if part.stop == len(axes[0]) else []
        yield part.start - 1, np.concatenate([held, block, *last])
        held = block[-1:]


def _joined(
    index: Array, faces: NDArray[np.int32], shape: NDArray[np.int64]
) -> tuple[Array, NDArray[np.int64]]:
    """Return vertices without those that two slabs share, and faces of what is left.

    A vertex lies on an edge of the grid or, rarely, within a cell, and is the only one there.
    """
    whole = np.floor(index)
    key = (2 * whole + (index > whole)).astype(np.int64) + 2
    sizes = 2 * shape + 6
    flat = (key[:, 0] * sizes[1] + key[:, 1]) * sizes[2] + key[:, 2]
    _, first, inverse = np.unique(flat, return_index=True, return_inverse=True)
    return index[first], inverse[faces]


def _refined(
    values: Function,
    gradient: Function,
    points: Array,
    *,
    free: NDArray[np.bool_],
    room: Array,
    steps: int,
) -> tuple[Array, Array]:
    """Return points brought to value 0, and the way out from there."""
    if not len(points):
        return points, points
    start, points = points, points.copy()
    heights, slopes = values(points), gradient(points)
    for _ in range(steps):
        along = slopes * free
        squares = np.maximum(np.square(along).sum(axis=1), np.finfo(float).tiny)
        step = -along * (heights / squares)[:, None]
        reach = np.abs(step / room).max(axis=1, keepdims=True)
        moved = points + step * np.minimum(1, 0.5 / np.maximum(reach, 0.5))
        found = values(moved)
        better = np.abs(found) < np.abs(heights)
        better &= (np.abs(moved - start) <= room).all(axis=1)
        if not better.any():
            break
        points[better], heights[better] = moved[better], found[better]
        slopes[better] = gradient(points[better])
    return points, -slopes
