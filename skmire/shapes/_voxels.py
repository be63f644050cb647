"""From a closed surface to the voxels inside."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skmire._memory import require as require_memory
from skmire._optional import require
from skmire.shapes._mesh import Mesh

Array = NDArray[np.float64]

_PAIRS = 2**22  # of a triangle and a column, at a time


def occupancy_from_mesh(
    path: str | os.PathLike[str] | Mesh, resolution: int = 128, *, margin: int = 0
) -> xr.DataArray:
    """Return which voxels have their centres inside a closed surface.

    Along each column of voxels the surface is crossed on the way in and on the way out.

    Parameters
    ----------
    path : str, path-like or Mesh
        A file that trimesh reads, such as ``.ply``, ``.obj`` or ``.stl``; or a mesh.
    resolution : int, default=128
        Voxels along the longest side of the box around the surface. They are cubes.
    margin : int, default=0
        Empty voxels around that box.

    Returns
    -------
    occupancy : DataArray of bool
        With the dimensions x, y and z, whose coordinates are the centres of the voxels in the
        units of the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If trimesh, the extra ``mesh``, is not installed.
    TypeError
        If it is neither a path nor a mesh.
    ValueError
        If the surface is not closed.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.shapes import level_set_mesh, occupancy_from_mesh
    >>> ball = level_set_mesh(
    ...     lambda X: 1 - (X**2).sum(axis=1), lambda X: -2 * X, box=[[-2, 2]] * 3, resolution=40
    ... )
    >>> occupancy = occupancy_from_mesh(ball, 32)
    >>> occupancy.shape, round(float(occupancy.mean()) / (np.pi / 6), 2)
    ((32, 32, 32), 1.01)
    """
    vertices, faces, turned_alike = _closed(path)
    if np.asarray(resolution).dtype.kind not in "iu" or resolution < 1 or margin < 0:
        raise ValueError(
            "occupancy_from_mesh needs a resolution of 1 or more voxels and a margin of at least "
            f"0; got resolution={resolution!r}, margin={margin!r}."
        )
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    side = float((high - low).max()) / resolution
    shape = np.maximum(np.ceil((high - low) / side - 1e-6).astype(int), 1) + 2 * margin
    first = (low + high) / 2 - side * (shape - 1) / 2
    require_memory(2 * int(shape.prod()), f"A volume of shape {shape}", "Lower the resolution.")
    solid = _filled((vertices - first) / side, faces, shape, turned_alike=turned_alike)
    coords = {name: first[i] + side * np.arange(shape[i]) for i, name in enumerate("xyz")}
    return xr.DataArray(solid, coords=coords, dims=tuple("xyz"), name="occupancy")


def _closed(path: str | os.PathLike[str] | Mesh) -> tuple[Array, NDArray[np.int64], bool]:
    """Return vertices and faces of a surface that has an inside, and whether all face one way."""
    trimesh: Any = require("trimesh", extra="mesh", purpose="occupancy_from_mesh")
    if isinstance(path, Mesh):
        name, mesh = "This mesh", trimesh.Trimesh(path.vertices, path.faces, process=False)
    elif not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"occupancy_from_mesh takes a path or a skmire.shapes.Mesh, got a "
            f"{type(path).__name__}. Save a mesh of another library to a file, as by its export."
        )
    else:
        if not os.path.isfile(path):
            raise FileNotFoundError(f"There is no file {os.fspath(path)}. Pass the path of a mesh.")
        name, mesh = f"The mesh in {os.fspath(path)}", trimesh.load(path, force="mesh")
        if not mesh.is_watertight:  # exporters split vertices along seams and where normals jump
            mesh.merge_vertices(merge_tex=True, merge_norm=True)
    if not len(mesh.faces):
        raise ValueError(f"{name} has no faces, and so no inside. Pass a surface of triangles.")
    if not mesh.is_watertight:
        _, counts = np.unique(mesh.edges_sorted, axis=0, return_counts=True)
        raise ValueError(
            f"{name} is not closed, so that it has no inside: {np.count_nonzero(counts != 2):,} of "
            f"its {len(counts):,} edges do not lie between two faces. Close its holes, as with "
            "trimesh.repair.fill_holes, or take a watertight version of it."
        )
    faces = np.asarray(mesh.faces, dtype=np.int64)
    return np.asarray(mesh.vertices, dtype=float), faces, bool(mesh.is_winding_consistent)


def _filled(
    vertices: Array, faces: NDArray[np.int64], shape: NDArray[np.int64], *, turned_alike: bool
) -> NDArray[np.bool_]:
    """Return which voxels are inside; coordinates of vertices are in voxels.

    With faces that are turned alike, what is in several parts of a shape is inside, too; without,
    only parity is known, and what is in two is outside.
    """
    # Columns a little beside the centres, where they do not run through a vertex.
    beside = np.array([1.0, np.sqrt(2)]) * 1e-7
    corners = vertices[faces]
    low = np.ceil(corners[:, :, :2].min(axis=1) - beside).astype(int).clip(0)
    high = np.floor(corners[:, :, :2].max(axis=1) - beside).astype(int)
    counts = np.maximum(np.minimum(high, shape[:2] - 1) - low + 1, 0)
    n_pairs = counts.prod(axis=1)
    crossings = np.zeros(shape, dtype=np.uint8)
    flat = crossings.reshape(-1)
    ends = np.cumsum(n_pairs)
    start = 0
    while start < len(faces):
        before = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, before + _PAIRS, side="right")), start + 1)
        part = np.repeat(np.arange(start, stop), n_pairs[start:stop])
        place = before + np.arange(len(part)) - (ends - n_pairs)[part]
        columns = low[part] + np.stack(np.divmod(place, np.maximum(counts[part, 1], 1)), axis=1)
        points = columns + beside
        hit, depth, down = _crossed(points, vertices, faces[part])
        first_beyond = np.ceil(depth[hit]).astype(int).clip(0)
        columns = columns[hit][inside := first_beyond < shape[2]]
        steps = np.where(down[hit][inside], np.uint8(1), np.uint8(255 if turned_alike else 1))
        rows = columns[:, 0] * shape[1] + columns[:, 1]
        np.add.at(flat, rows * shape[2] + first_beyond[inside], steps)
        start = stop
    np.add.accumulate(crossings, axis=2, out=crossings)  # modulo 256, where 255 is one less
    if not turned_alike:
        crossings &= 1
    return crossings.astype(np.bool_)


def _crossed(
    points: Array, vertices: Array, faces: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], Array, NDArray[np.bool_]]:
    """Return whether each triangle is crossed by the column at its point, how deep, and downwards.

    An edge is always looked at from the same of its ends, so of two triangles that share it, one
    has the point, whatever the rounding.
    """
    sides = []
    for i, j in ((0, 1), (1, 2), (2, 0)):
        turned = faces[:, i] > faces[:, j]
        ends = np.where(turned[:, None], faces[:, [j, i]], faces[:, [i, j]])
        start, along = vertices[ends[:, 0], :2], vertices[ends[:, 1], :2]
        along = along - start
        offset = points - start
        sides.append((along[:, 0] * offset[:, 1] > along[:, 1] * offset[:, 0]) ^ turned)
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    hit = (sides[0] == sides[1]) & (sides[1] == sides[2]) & (normal[:, 2] != 0)
    steep = np.where(hit, normal[:, 2], 1.0)
    offset = points - a[:, :2]
    return hit, a[:, 2] - (normal[:, :2] * offset).sum(axis=1) / steep, normal[:, 2] < 0
