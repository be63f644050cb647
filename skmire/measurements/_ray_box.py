"""Where rays meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TURNED = 1e-3  # the least that rays must differ in direction, to tell where they meet
_AHEAD = 0.5  # of the distance, the least that a place in front of the median ray is ahead
_TOGETHER = 1e-6  # of the distance from the origin: as far as one point in single precision is


def box_where_rays_meet(origins: Array, directions: Array) -> tuple[Array, Array]:
    """Return the ends of a box about the place that rays pass nearest to.

    It reaches half as far as they start from there.

    Parameters
    ----------
    origins, directions : ndarray of shape (n_rays, 3)
        Directions have length 1.

    Raises
    ------
    ValueError
        If the rays are parallel or from one point, or the place is not in front of them.
    """
    # The sum of squared distances from all rays is least where its gradient is 0.
    across = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    mean = across.mean(axis=0)
    away = across @ origins[:, :, None]
    centre = np.linalg.lstsq(mean, away.mean(axis=0)[:, 0], rcond=None)[0]
    towards = centre - origins
    half = float(np.median(np.linalg.norm(towards, axis=1))) / 2
    together = half <= _TOGETHER * np.abs(origins).max()
    if np.linalg.eigvalsh(mean)[0] < _TURNED or together:
        raise ValueError(
            "The rays do not say where they meet, being parallel or from one point alone. Give "
            "VolumeRendering bounds, the box that holds the scene, or far."
        )
    ahead = float(np.median((towards * directions).sum(axis=1)))
    if ahead < _AHEAD * 2 * half:
        raise ValueError(
            f"The rays do not meet in front of their origins: the place {centre.round(6).tolist()} "
            f"that they pass nearest to is {ahead:g} ahead in the median, and {2 * half:g} away. "
            "Cameras that look forward or outward say nothing of where the scene ends. Give "
            "VolumeRendering bounds, or near and far. If they look at a scene from around it, "
            "do their poses look along -z? skmire.cameras.look_at says what ours are."
        )
    return centre - half, centre + half
