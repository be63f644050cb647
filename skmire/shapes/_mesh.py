"""A surface of triangles."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skmire._optional import require

Array = NDArray[np.float64]

_FORMATS = (".ply", ".obj", ".stl")
_COARSE = 0.01  # of an edge


@dataclass(frozen=True)
class Mesh:
    """A surface of triangles, with a normal at each vertex.

    Parameters
    ----------
    vertices : ndarray of shape (n_vertices, 3)
        In the user's units.
    faces : ndarray of int of shape (n_faces, 3)
        Three vertices each, anticlockwise seen from outside.
    normals : ndarray of shape (n_vertices, 3)
        Unit vectors that point outside.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.shapes import level_set_mesh
    >>> ball = level_set_mesh(
    ...     lambda X: 1 - (X**2).sum(axis=1), lambda X: -2 * X, box=[[-2, 2]] * 3, resolution=40
    ... )
    >>> ball.is_watertight, round(ball.volume / (4 / 3 * np.pi), 2)
    (True, 1.0)
    """

    vertices: Array
    faces: NDArray[np.int64]
    normals: Array

    @property
    def area(self) -> float:
        """Area of the surface, in squared units of the coordinates."""
        return float(np.linalg.norm(self._cross(), axis=1).sum() / 2)

    @property
    def volume(self) -> float:
        """Volume that the surface encloses, if it is closed, by the divergence theorem."""
        centred = self.vertices - self.vertices.mean(axis=0)
        first = centred[self.faces[:, 0]]
        return float(np.einsum("ni,ni->", first, self._cross()) / 6)

    @property
    def is_watertight(self) -> bool:
        """Whether each side of a triangle is that of exactly one other, run through backwards."""
        starts, ends = self.faces, np.roll(self.faces, -1, axis=1)
        n = len(self.vertices)
        there, back = (np.sort((a * n + b).ravel()) for a, b in ((starts, ends), (ends, starts)))
        return bool((there == back).all() and (np.diff(there) > 0).all())

    def sample(
        self, n_points: int, random_state: int | np.random.RandomState | None = None
    ) -> tuple[Array, Array]:
        """Return points at random on the surface, as many on an area wherever it is.

        Parameters
        ----------
        n_points : int
            How many.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws.

        Returns
        -------
        points : ndarray of shape (n_points, 3)
            On the triangles.
        normals : ndarray of shape (n_points, 3)
            Unit vectors, interpolated between those of the vertices.
        """
        rng = check_random_state(random_state)
        areas = np.linalg.norm(self._cross(), axis=1)
        chosen = self.faces[rng.choice(len(self.faces), n_points, p=areas / areas.sum())]
        u, v = rng.uniform(size=(2, n_points))
        root = np.sqrt(u)
        shares = np.stack([1 - root, root * (1 - v), root * v], axis=1)
        points, normals = (
            np.einsum("nk,nki->ni", shares, of_vertices[chosen])
            for of_vertices in (self.vertices, self.normals)
        )
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        return points, normals / np.maximum(lengths, np.finfo(float).tiny)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the mesh to a file, through trimesh: the extra ``mesh``.

        Parameters
        ----------
        path : str or path-like
            Its ending says the format: ``.obj``, or ``.ply`` and ``.stl``, which are in single
            precision; the last one has no normals of vertices.

        Raises
        ------
        ImportError
            If trimesh is not installed.
        ValueError
            If the ending is another.

        Warns
        -----
        UserWarning
            If single precision is too coarse for where the mesh is.
        """
        ending = Path(path).suffix.lower()
        if ending not in _FORMATS:
            raise ValueError(
                f"Mesh.save writes {', '.join(_FORMATS)}, got {os.fspath(path)!r}. Give the path "
                "one of these endings."
            )
        trimesh: Any = require("trimesh", extra="mesh", purpose="Mesh.save")
        mesh = trimesh.Trimesh(
            self.vertices, self.faces, vertex_normals=self.normals, process=False
        )
        if ending == ".obj":
            mesh.export(path, file_type="obj", digits=17)
            return
        edges = np.linalg.norm(np.diff(self.vertices[self.faces[:, :2]], axis=1)[:, 0], axis=1)
        rounding = np.abs(self.vertices - self.vertices.astype(np.float32)).max(initial=0.0)
        if len(edges) and rounding > _COARSE * np.median(edges):
            warnings.warn(
                f"{ending} holds single precision, which moves vertices by up to {rounding:.2g} "
                f"where edges are {np.median(edges):.2g} long. Save as .obj, or move the mesh "
                "nearer to 0 first.",
                stacklevel=2,
            )
        mesh.export(path, file_type=ending[1:])

    def _cross(self) -> Array:
        """Return the normals of the triangles, of twice their area."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        return np.cross(b - a, c - a)
