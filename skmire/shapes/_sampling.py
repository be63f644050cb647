"""Samples of a volume of labels, more of them where its labels change."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter
from sklearn.utils import check_random_state

from skmire.shapes._box import stretches

Array = NDArray[np.float64]

_REACH = 2  # voxels on either side of the surface that are near it
_FAR, _NEAR, _CORNER = 0, 1, 2


def sample_volume(
    volume: Any,
    n_samples: int = 2**20,
    *,
    near_surface: float = 0.5,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[Array, NDArray[Any], Array]:
    """Return some voxels of a volume of labels, with weights that make up for the choice.

    Many of them are within two voxels of the surface, where the label changes, as all others are
    alike. A sample's weight is how many voxels it stands for: of those near the surface, or of
    those far from it, that is their number over that of the samples drawn from them. So weighted
    means over the samples are, but for chance, means over the volume. Samples are drawn one from
    each of equally long stretches of voxels, in the order of the array. The corners are always
    among the samples, so that these span the volume.

    Parameters
    ----------
    volume : array-like or DataArray of shape (n_1, ..., n_d)
        Labels, of two kinds. It is read a slab of its first axis at a time, so that it may be
        mapped from a file or lie in chunks.
    n_samples : int, default=1048576
        How many; all, with a weight of 1, if the volume has no more.
    near_surface : float, default=0.5
        Share of the samples that are near the surface, in [0, 1); never less than the share of the
        voxels that are.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Returns
    -------
    X : ndarray of shape (n_samples, d)
        Where the voxels are: the coordinates of a DataArray, indices otherwise.
    y : ndarray of shape (n_samples,)
        Their labels.
    sample_weight : ndarray of shape (n_samples,)
        How many voxels each stands for; they sum up to the number of voxels.

    Raises
    ------
    ValueError
        If the volume or a parameter is not as documented.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.shapes import sample_volume
    >>> places = np.stack(np.meshgrid(*[np.linspace(-2, 2, 64)] * 3, indexing="ij"))
    >>> ball = (places**2).sum(axis=0) < 1
    >>> X, y, weights = sample_volume(ball, 100_000, random_state=0)
    >>> X.shape, round(float(y.mean()), 2)  # many are near the surface
    ((100000, 3), 0.11)
    >>> round(float(np.average(y, weights=weights)), 2), round(float(ball.mean()), 2)
    (0.06, 0.06)
    """
    axes = volume_axes(volume)
    shape = tuple(len(axis) for axis in axes)
    corners = np.ix_(*(np.unique([0, n - 1]) for n in shape))
    least, total = 2 ** len(shape) + 2, prod(shape)
    if (
        np.asarray(n_samples).dtype.kind not in "iu"
        or n_samples < least
        or not 0 <= near_surface < 1
    ):
        raise ValueError(
            f"sample_volume needs a whole number of samples, of at least {least}, and near_surface "
            f"in [0, 1); got n_samples={n_samples!r}, near_surface={near_surface!r}."
        )
    kinds = _kinds(volume, shape)
    kinds[corners] = _CORNER
    parts = list(stretches(shape[0], prod(shape[1:])))
    found = np.array([np.bincount(kinds[part].ravel(), minlength=3) for part in parts])
    far, near, n_corners = found.sum(axis=0).tolist()
    wanted = min(int(n_samples), total) - n_corners
    share = max(near_surface, near / max(far + near, 1))
    # At least one of the near ones and of the far ones, or nothing would stand for them.
    n_near = min(max(round(wanted * share), 1), near)
    drawn = np.array([min(max(wanted - n_near, 1), far), 0, n_corners])
    drawn[_NEAR] = wanted - drawn[_FAR]
    rng = np.random.default_rng(check_random_state(random_state).randint(2**31 - 1))
    ranks = [_ranks(n, of, rng) for n, of in zip(drawn, (far, near, n_corners), strict=True)]
    before = np.cumsum(found, axis=0) - found
    stands_for = np.array([far, near, n_corners]) / np.maximum(drawn, 1)
    places, labels, weights = [], [], []
    for part, here, passed in zip(parts, found, before, strict=True):
        of_part, slab = kinds[part].ravel(), np.asarray(volume[part]).ravel()
        rows = np.sort(
            np.concatenate(
                [
                    np.flatnonzero(of_part == kind)[of_kind[slice(*ends)] - passed[kind]]
                    for kind, of_kind in enumerate(ranks)
                    for ends in [
                        np.searchsorted(of_kind, [passed[kind], passed[kind] + here[kind]])
                    ]
                ]
            )
        )
        index = list(np.unravel_index(rows, (part.stop - part.start, *shape[1:])))
        index[0] = index[0] + part.start
        places.append(np.stack([axis[i] for axis, i in zip(axes, index, strict=True)], axis=1))
        labels.append(slab[rows])
        weights.append(stands_for[of_part[rows]])
    return np.concatenate(places), np.concatenate(labels), np.concatenate(weights)


def volume_axes(volume: Any) -> list[Array]:
    """Return where the voxels of a volume are along each axis.

    Raises
    ------
    ValueError
        If it is no volume, or its coordinates are no numbers.
    """
    shape = tuple(np.shape(volume))
    if len(shape) < 1 or min(shape, default=0) < 1 or prod(shape) < 2:
        raise ValueError(
            f"A volume must be an array of two or more voxels, got shape {shape}. Pass labels on "
            "a grid, with an axis for each coordinate."
        )
    if np.ma.is_masked(volume):
        raise ValueError(
            "A volume must have a label in each voxel, and some are masked. Fill them, as in "
            "volume.filled(label), or fit the other voxels as samples."
        )
    if not isinstance(volume, xr.DataArray):
        return [np.arange(n, dtype=float) for n in shape]
    axes = []
    for name in volume.dims:
        axis = np.asarray(volume[name])
        if axis.dtype.kind not in "biuf" or not np.isfinite(axis).all():
            raise ValueError(
                f"The coordinate {name!r} of the volume must hold finite numbers, got "
                f"{axis.dtype}. Give it a unit and an origin, or pass volume.values to take "
                "indices."
            )
        axes.append(axis.astype(float))
    return axes


def _kinds(volume: Any, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return which voxels have another label within reach, read with a halo."""
    kinds = np.empty(shape, dtype=np.uint8)
    first = np.asarray(volume[:1]).flat[0]
    for part in stretches(shape[0], prod(shape[1:]), least=4 * _REACH):
        start = max(part.start - _REACH, 0)
        slab = np.asarray(np.asarray(volume[start : part.stop + _REACH]) != first, dtype=np.uint8)
        inner = slice(part.start - start, part.stop - start)
        if slab.min() == slab.max():
            kinds[part] = _FAR
            continue
        size = 2 * _REACH + 1
        highest, lowest = (f(slab, size, mode="nearest") for f in (maximum_filter, minimum_filter))
        kinds[part] = (highest != lowest)[inner]  # _NEAR is 1
    return kinds


def _ranks(n: int, of: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `n` of as many numbers from 0, in order, none twice and each as likely as any other.

    They are one from each of equal stretches, the first of which begins anywhere.
    """
    if n in (0, of):
        return np.arange(n)
    ends = np.floor((np.arange(n + 1) + rng.uniform()) * (of / n)).astype(np.int64)
    ends[-1] = ends[0] + of  # but for rounding
    return np.sort(rng.integers(ends[:-1], ends[1:]) % of)
