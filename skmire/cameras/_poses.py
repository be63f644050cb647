"""Where a camera stands and where it looks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_ROUNDING = 1e-3  # of poses in files, relatively


def look_at(
    eye: ArrayLike, target: ArrayLike = (0.0, 0.0, 0.0), *, up: ArrayLike = (0.0, 0.0, 1.0)
) -> Array:
    """Return the pose of a camera that looks at a point.

    Parameters
    ----------
    eye : array-like of shape (3,)
        Where the camera is.
    target : array-like of shape (3,), default=(0, 0, 0)
        What is in the middle of its picture.
    up : array-like of shape (3,), default=(0, 0, 1)
        What points up in the picture, as far as it is not along the line of sight.

    Returns
    -------
    pose : ndarray of shape (4, 4)
        From the camera's coordinates to the world's: x to the right, y up, and the camera looks
        along -z, as in OpenGL and Blender.

    Raises
    ------
    ValueError
        If camera and target are in one place, or the line of sight is along `up`.

    Examples
    --------
    >>> from skmire.cameras import look_at
    >>> look_at([4, 0, 0])[:3, 2].tolist()  # away from what it looks at
    [1.0, 0.0, 0.0]
    """
    eye, target, up = (
        _vector(name, given) for name, given in (("eye", eye), ("target", target), ("up", up))
    )
    back = eye - target
    right = np.cross(up, back)
    if not np.linalg.norm(right) > 1e-9 * np.linalg.norm(up) * np.linalg.norm(back):
        raise ValueError(
            f"look_at needs a line of sight that is not along up; got eye={eye.tolist()}, "
            f"target={target.tolist()} and up={up.tolist()}. Move the camera, or pass another up."
        )
    back, right = back / np.linalg.norm(back), right / np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3] = np.stack([right, np.cross(back, right), back, eye], axis=1)
    return pose


def orbit(
    n_poses: int,
    radius: float,
    *,
    elevation: float = 30.0,
    target: ArrayLike = (0.0, 0.0, 0.0),
) -> Array:
    """Return poses on a circle around a point, all of which look at it.

    Parameters
    ----------
    n_poses : int
        How many, at equal angles, anticlockwise seen from above; the first is on the side of x.
    radius : float
        Their distance from the point, above 0.
    elevation : float, default=30.0
        Degrees above its level, between -90 and 90.
    target : array-like of shape (3,), default=(0, 0, 0)
        The point. Up is z.

    Returns
    -------
    poses : ndarray of shape (n_poses, 4, 4)
        As `look_at` returns them.

    Raises
    ------
    ValueError
        If a number is not as documented.

    Examples
    --------
    >>> from skmire.cameras import orbit
    >>> orbit(4, radius=2.0, elevation=0.0)[:, :3, 3].round(9).tolist()
    [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [-2.0, 0.0, 0.0], [-0.0, -2.0, 0.0]]
    """
    if n_poses < 1 or not radius > 0 or not -90 < elevation < 90:
        raise ValueError(
            "orbit needs n_poses of at least 1, radius above 0 and elevation between -90 and 90 "
            f"degrees; got {n_poses}, {radius} and {elevation}."
        )
    middle = _vector("target", target)
    around = 2 * np.pi * np.arange(n_poses) / n_poses
    above = np.deg2rad(elevation)
    places = np.stack(
        [
            np.cos(above) * np.cos(around),
            np.cos(above) * np.sin(around),
            np.full(n_poses, np.sin(above)),
        ],
        axis=1,
    )
    return np.stack([look_at(middle + radius * place, middle) for place in places])


def check_poses(name: str, poses: Array) -> None:
    """Refuse poses that do anything but turn, scale and move.

    Parameters
    ----------
    name : str
        What they are called.
    poses : ndarray of shape (..., 4, 4) or (..., 3, 4)
        From the camera's coordinates to the world's.

    Raises
    ------
    ValueError
        If one of them shears, mirrors or is no pose at all.
    """
    turn = poses[..., :3, :3]
    with np.errstate(invalid="ignore", over="ignore"):
        gram = np.swapaxes(turn, -1, -2) @ turn
        size = np.trace(gram, axis1=-2, axis2=-1)[..., None, None] / 3
        off = np.abs(gram - size * np.eye(3)).max(axis=(-2, -1))
        rigid = (off <= _ROUNDING * size[..., 0, 0]) & (np.linalg.det(turn) > 0)
    last = np.abs(poses[..., 3:, :] - [0.0, 0.0, 0.0, 1.0]).max(axis=(-2, -1), initial=0.0)
    right = np.isfinite(poses).all(axis=(-2, -1)) & rigid & (last <= _ROUNDING)
    if not right.all():
        first = np.atleast_1d(right).argmin()
        raise ValueError(
            f"{name} must be camera to world: finite, a rotation in the first three columns, which "
            "may be scaled but not mirrored, and a last row of 0, 0, 0, 1; got "
            f"{poses.reshape(-1, *poses.shape[-2:])[first].tolist()}"
            f"{f' as number {first}' if right.ndim else ''}. Those of OpenCV and COLMAP are world "
            "to camera, with y down, and look along z: take np.linalg.inv(pose) @ "
            "np.diag([1, -1, -1, 1])."
        )


def _vector(name: str, given: ArrayLike) -> Array:
    vector = np.asarray(given, dtype=np.float64)
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise ValueError(f"{name} must hold three finite numbers, got {given!r}.")
    return vector
