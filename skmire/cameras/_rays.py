"""The rays of a camera's pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmire.cameras._poses import check_poses

Array = NDArray[np.float64]


def camera_rays(
    pose: ArrayLike,
    height: int,
    width: int,
    focal: float,
    *,
    rows: slice | None = None,
) -> Array:
    """Return the rays through the middles of the pixels of a pinhole camera.

    Parameters
    ----------
    pose : array-like of shape (4, 4) or (3, 4)
        From the camera's coordinates to the world's, as `look_at` returns it.
    height, width : int
        Of the picture, in pixels. The axis of the camera goes through its middle.
    focal : float
        Focal length in pixels, above 0: ``width / 2 / tan(angle / 2)`` for the horizontal angle of
        view.
    rows : slice, default=None
        Of the picture, from the top; ``None`` is all.

    Returns
    -------
    rays : ndarray of shape (n_rows * width, 6)
        Origins and directions of length 1, in the order of the pixels, row by row.

    Raises
    ------
    ValueError
        If a parameter is not as documented.

    Examples
    --------
    >>> from skmire.cameras import camera_rays, look_at
    >>> rays = camera_rays(look_at([4, 0, 0]), 3, 3, focal=2.0)
    >>> rays.shape, rays[4].tolist()
    ((9, 6), [4.0, 0.0, 0.0, -1.0, 0.0, 0.0])
    """
    matrix = np.asarray(pose, dtype=np.float64)
    if matrix.shape not in ((4, 4), (3, 4)):
        raise ValueError(f"pose must be a matrix of shape (4, 4) or (3, 4), got {matrix.shape}.")
    check_poses("pose", matrix)
    if height < 1 or width < 1 or not 0 < focal < np.inf:
        raise ValueError(
            "A camera has at least one pixel and a focal length above 0; got "
            f"height={height}, width={width} and focal={focal}."
        )
    down, right = np.meshgrid(
        (np.arange(height) + 0.5 - height / 2)[rows or slice(None)],
        np.arange(width) + 0.5 - width / 2,
        indexing="ij",
    )
    ahead = np.stack([right / focal, -down / focal, np.full_like(right, -1.0)], axis=-1)
    directions = ahead.reshape(-1, 3) @ matrix[:3, :3].T
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    return np.hstack([np.broadcast_to(matrix[:3, 3], directions.shape), directions])
