"""A scene of coloured solids, and what is seen of it, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from skmire.cameras import Views, camera_rays, look_at
from skmire.cameras._views import light_of

Array = NDArray[np.float64]

_TRIES = 1_000


@dataclass(frozen=True, eq=False)
class Solids:
    """Opaque balls and boxes, lit by a lamp far away.

    The colour of a point is that of its solid, times 0.4 in the shade and up to 1 where its surface
    faces the lamp. It does not depend on the direction of view, and nothing throws a shadow.

    Parameters
    ----------
    centres : ndarray of shape (n_solids, 3)
        Their middles.
    sizes : ndarray of shape (n_solids, 3)
        Half their extent along each axis: an ellipsoid's, or a box's.
    are_boxes : ndarray of bool of shape (n_solids,)
        Which of them are boxes.
    colours : ndarray of shape (n_solids, 3)
        In [0, 1].
    lamp : ndarray of shape (3,)
        Direction to the lamp, of length 1.

    Examples
    --------
    >>> from skmire.datasets import coloured_solids
    >>> scene = coloured_solids(random_state=0)
    >>> scene.colours_seen([[3.0, 0.0, 0.0, 0.0, 0.0, 1.0]]).tolist()  # past all of them
    [[1.0, 1.0, 1.0]]
    """

    centres: Array
    sizes: Array
    are_boxes: NDArray[np.bool_]
    colours: Array
    lamp: Array

    def contains(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Return which points are inside a solid.

        Parameters
        ----------
        points : array-like of shape (n_points, 3)
            Places.

        Returns
        -------
        inside : ndarray of bool of shape (n_points,)
            Surfaces count as inside.
        """
        scaled = (np.asarray(points, dtype=float)[:, None] - self.centres) / self.sizes
        in_box = np.abs(scaled).max(axis=-1) <= 1
        in_ball = np.linalg.norm(scaled, axis=-1) <= 1
        inside: NDArray[np.bool_] = np.where(self.are_boxes, in_box, in_ball).any(axis=1)
        return inside

    def distances(self, rays: ArrayLike) -> Array:
        """Return how far rays go until they meet a solid.

        Parameters
        ----------
        rays : array-like of shape (n_rays, 6)
            Origins, outside the solids, and directions of any length above 0.

        Returns
        -------
        distances : ndarray of shape (n_rays,)
            Infinite where they meet none.
        """
        nearest: Array = self._entries(np.asarray(rays, dtype=float)).min(axis=1)
        return nearest

    def colours_seen(
        self, rays: ArrayLike, background: Literal["white", "black"] = "white"
    ) -> Array:
        """Return the colours that rays see.

        Parameters
        ----------
        rays : array-like of shape (n_rays, 6)
            As in `distances`.
        background : {"white", "black"}, default="white"
            What is seen past the solids.

        Returns
        -------
        colours : ndarray of shape (n_rays, 3)
            In [0, 1].

        Raises
        ------
        ValueError
            If the background is neither.
        """
        X = np.asarray(rays, dtype=float)
        entries = self._entries(X)
        solid, distance = entries.argmin(axis=1), entries.min(axis=1)
        hit = np.isfinite(distance)
        colours = np.full((len(X), 3), light_of(background))
        at = X[hit, :3] + distance[hit, None] * _unit(X[hit, 3:])
        solid = solid[hit]
        scaled = (at - self.centres[solid]) / self.sizes[solid]
        face = np.abs(scaled).argmax(axis=1)[:, None] == np.arange(3)
        normal = _unit(
            np.where(
                self.are_boxes[solid, None], np.sign(scaled) * face, scaled / self.sizes[solid]
            )
        )
        light = 0.4 + 0.6 * np.clip(normal @ self.lamp, 0, None)
        colours[hit] = self.colours[solid] * light[:, None]
        return colours

    def views(
        self,
        n_views: int,
        height: int = 64,
        width: int = 64,
        *,
        distance: float = 4.0,
        angle: float = 40.0,
        n_rays: int = 3,
        random_state: int | np.random.RandomState | None = 0,
    ) -> Views:
        """Return views from random places on the upper half of a sphere.

        Parameters
        ----------
        n_views : int
            How many, at least 1.
        height, width : int, default=64
            Of a picture, in pixels.
        distance : float, default=4.0
            Of the cameras from the origin, which they look at; above 2, so that all solids are in
            front of them.
        angle : float, default=40.0
            Horizontal angle of view, in degrees, above 0 and below 180.
        n_rays : int, default=3
            A pixel is the mean of so many rays squared.
        random_state : int, RandomState instance or None, default=0
            Seed of the places.

        Returns
        -------
        views : Views
            In front of white.

        Raises
        ------
        ValueError
            If a number is not as documented.
        """
        if n_views < 1 or not distance > 2 or not 0 < angle < 180 or n_rays < 1:
            raise ValueError(
                "views needs n_views and n_rays of at least 1, distance above 2 and angle between "
                f"0 and 180 degrees; got {n_views}, {n_rays}, {distance} and {angle}."
            )
        rng = check_random_state(random_state)
        height_of, around = rng.uniform(0.1, 0.95, n_views), rng.uniform(0, 2 * np.pi, n_views)
        level = np.sqrt(1 - height_of**2)
        eyes = distance * np.stack(
            [level * np.cos(around), level * np.sin(around), height_of], axis=1
        )
        poses = np.stack([look_at(eye) for eye in eyes])
        focal = width / 2 / np.tan(np.deg2rad(angle) / 2)
        images = []
        for pose in poses:
            rays = camera_rays(pose, n_rays * height, n_rays * width, n_rays * focal)
            fine = self.colours_seen(rays).reshape(height, n_rays, width, n_rays, 3)
            images.append(fine.mean(axis=(1, 3)))
        return Views(np.stack(images), poses, float(focal), near=distance - 2, far=distance + 2)

    def _entries(self, rays: Array) -> Array:
        """Return the distance at which each ray enters each solid, infinite if it does not."""
        origins, directions = rays[:, None, :3], _unit(rays[:, 3:])[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            faces = np.stack(
                [(self.centres + sign * self.sizes - origins) / directions for sign in (-1, 1)]
            )
        first = np.fmin(*faces).max(axis=-1)
        in_box = np.where((first > 0) & (first < np.fmax(*faces).min(axis=-1)), first, np.inf)
        o, d = (origins - self.centres) / self.sizes, directions / self.sizes
        a, b, c = (d * d).sum(-1), (o * d).sum(-1), (o * o).sum(-1) - 1
        root = b * b - a * c
        first = (-b - np.sqrt(np.maximum(root, 0))) / a
        in_ball = np.where((root > 0) & (first > 0), first, np.inf)
        entries: Array = np.where(self.are_boxes, in_box, in_ball)
        return entries


def coloured_solids(
    n_solids: int = 5, *, random_state: int | np.random.RandomState | None = 0
) -> Solids:
    """Return a scene of balls and boxes of many colours, in the box [-1, 1]^3.

    They do not overlap. Half of them, rounded down, are boxes.

    Parameters
    ----------
    n_solids : int, default=5
        How many, from 1 to 12.
    random_state : int, RandomState instance or None, default=0
        Seed of the scene.

    Returns
    -------
    scene : Solids
        Of `n_solids`, lit from the right, the front and above.

    Raises
    ------
    ValueError
        If there is no room for so many, or it is no whole number.

    Examples
    --------
    >>> from skmire.datasets import coloured_solids
    >>> scene = coloured_solids(3, random_state=0)
    >>> scene.contains(scene.centres).tolist()
    [True, True, True]
    """
    if np.asarray(n_solids).dtype.kind not in "iu" or not 1 <= n_solids <= 12:
        raise ValueError(
            f"coloured_solids has room for 1 to 12 solids, a whole number, got {n_solids!r}."
        )
    rng = check_random_state(random_state)
    centres, sizes = np.empty((0, 3)), np.empty((0, 3))
    for _ in range(_TRIES):
        size = rng.uniform(0.2, 0.45, 3) * (1.0 if n_solids <= 6 else 0.7)
        centre = rng.uniform(-1 + size, 1 - size)
        if (np.abs(centre - centres) > size + sizes).any(axis=1).all():
            centres, sizes = np.vstack([centres, centre]), np.vstack([sizes, size])
        if len(centres) == n_solids:
            break
    else:
        return coloured_solids(n_solids, random_state=rng)
    hues = (np.arange(n_solids) / n_solids + rng.uniform()) % 1
    shifted = (hues[:, None] + np.array([0, 2 / 3, 1 / 3])) % 1
    colours = np.clip(np.abs(6 * shifted - 3) - 1, 0, 1) * 0.8 + 0.1
    lamp = np.array([1.0, -2.0, 3.0])
    return Solids(
        centres, sizes, np.arange(n_solids) < n_solids // 2, colours, lamp / np.linalg.norm(lamp)
    )


def _unit(vectors: Array) -> Array:
    unit: Array = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit
