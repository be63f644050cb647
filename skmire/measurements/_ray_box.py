"""Where rays meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TURNED = 1e-3  # the least that rays must differ in direction, to tell where they meet
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
        If the rays are parallel or from one point.
    """
    # The sum of squared distances from all rays is least where its gradient is 0.
    across = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    mean = across.mean(axis=0)
    away = across @ origins[:, :, None]
    centre = np.linalg.lstsq(mean, away.mean(axis=0)[:, 0], rcond=None)[0]
    half = float(np.median(np.linalg.norm(origins - centre, axis=1))) / 2
    together = half <= _TOGETHER * np.abs(origins).max()
    if np.linalg.eigvalsh(mean)[0] < _TURNED or together:
        raise ValueError(
            "The rays do not say where they meet, being parallel or from one point alone. Give "
            "VolumeRendering bounds, the box that holds the scene, or far."
        )
    return centre - half, centre + half
