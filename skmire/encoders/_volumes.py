"""Volumes of voxels in and out of a fitted shape, and its surface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context

from skmire._logging import audible, logger
from skmire._memory import require
from skmire.datasets._grids import grid_points
from skmire.encoders._base import Array, BaseEncoder
from skmire.metrics import iou
from skmire.shapes import Mesh, level_set_mesh, sample_volume
from skmire.shapes._box import grid_axes, slabs, stretches
from skmire.shapes._level_set import NoSurface
from skmire.shapes._sampling import volume_axes
from skmire.spectrum import bandwidth_along

Method = Literal["predict", "predict_proba", "decision_function"]

_LINES = 2**21  # voxels, at most, on the lines whose spectrum is taken
_JUDGED = 2**18  # voxels, at most, that an estimate of the whole is made from


class VolumeEncoder(BaseEncoder, ABC):
    """What an encoder of labels knows of grids; its subclasses say what the labels are."""

    classes_: NDArray[Any]
    iou_: float
    volume_axes_: list[Array]

    @abstractmethod
    def _answers(self, decision: Array, method: str) -> NDArray[Any]: ...

    @abstractmethod
    def _level(self, probability: float) -> float: ...

    @_fit_context(prefer_skip_nested_validation=False)
    def fit_volume(self, volume: Any, *, n_samples: int = 2**20, near_surface: float = 0.5) -> Self:
        """Fit voxels: all of them, or a part that is denser near the surface.

        The coordinates of the whole volume are never made: memory is that of the samples, and of
        one byte a voxel. See `skmire.shapes.sample_volume` for how samples are drawn; their weights
        make up for it, so that probabilities are those of the volume.

        Parameters
        ----------
        volume : array-like or DataArray of shape (n_1, ..., n_d)
            Labels, of two kinds. The coordinates are those of a DataArray, and indices otherwise.
        n_samples : int, default=1048576
            How many voxels are fitted; all, if there are no more.
        near_surface : float, default=0.5
            Share of these within two voxels of the surface, in [0, 1).

        Returns
        -------
        self : object
            The fitted encoder. Its `iou_` is that over the whole volume, or an estimate of it from
            voxels drawn anew; `volume_axes_` holds where the voxels are along each axis.

        Raises
        ------
        ValueError
            If the volume or a parameter is not as documented.
        """
        if not hasattr(volume, "shape"):
            volume = np.asarray(volume)
        axes = volume_axes(volume)
        # A checkpoint is of the same samples, so these are not to be others each time.
        kept = self.checkpoint is not None and self.random_state is None
        draw = partial(sample_volume, volume, near_surface=near_surface)
        X, y, weights = draw(n_samples, random_state=0 if kept else self.random_state)
        with audible(self.verbose):
            logger.info("fitting %s of %s voxels", f"{len(y):,}", f"{weights.sum():,.0f}")
        further = {"epochs": self.max_epochs, "annealed": True} if self.warm_start else None
        alike = bool((weights == weights[0]).all())
        # That of the base, as the IoU of these samples is not what is asked for.
        super()._fit(X, y, None if alike else weights, further, _bandwidth(volume, axes))
        self.volume_axes_ = axes
        if len(y) < prod(len(axis) for axis in axes):
            X, y, weights = draw(min(len(y), _JUDGED), random_state=self._seed)
        inside, found = (labels == self.classes_[1] for labels in (y, self.predict(X)))
        self.iou_ = iou(inside, found, sample_weight=weights)
        return self

    def predict_volume(
        self,
        resolution: int | Sequence[int] = 128,
        *,
        box: ArrayLike | None = None,
        response_method: Method = "predict",
    ) -> NDArray[Any]:
        """Return the fit on a regular grid, slab by slab.

        Parameters
        ----------
        resolution : int or sequence of int, default=128
            Points along each side of the box, both ends included; a number is that along the
            longest, and the spacing of the others is about the same. That of a volume that was
            fitted, ``volume.shape``, brings back its voxels.
        box : array-like of shape (n_dims, 2), default=None
            Lower and upper end along each coordinate. ``None`` is the extent of the fitted ones.
        response_method : {"predict", "predict_proba", "decision_function"}, default="predict"
            Whether labels, the probability of the second label or the decision function.

        Returns
        -------
        volume : ndarray of shape (n_1, ..., n_d)
            In `ij` order. Labels have the dtype of `classes_`, all else is float64. Memory beside
            it is that of a slab, about four million points.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        ValueError
            If a parameter is not as documented.
        """
        axes = self._grid(box, resolution)
        methods = ("predict", "predict_proba", "decision_function")
        if response_method not in methods:
            raise ValueError(f"response_method must be one of {methods}, got {response_method!r}.")
        shape = tuple(len(axis) for axis in axes)
        dtype = self.classes_.dtype if response_method == "predict" else np.dtype(np.float64)
        require(
            int(np.prod(shape)) * dtype.itemsize,
            f"A volume of shape {shape}",
            "Lower the resolution, or ask for one box after another.",
        )
        volume = np.empty(shape, dtype=dtype)
        with audible(self.verbose):
            for part in slabs(shape):
                coords = grid_points([axis[rows] for axis, rows in zip(axes, part, strict=True)])
                decision = self._field_values(self.network_, coords)
                answers = self._answers(decision, response_method)
                volume[part] = answers.reshape(volume[part].shape)
                logger.info("predicted up to plane %d of %d", part[0].stop, shape[0])
        return volume

    def _grid(self, box: ArrayLike | None, resolution: int | Sequence[int]) -> list[Array]:
        """Return where the points of a grid are, those of the voxels fitted if it is theirs."""
        axes: list[Array] = getattr(self, "volume_axes_", [])
        if box is None and tuple(np.ravel(resolution)) == tuple(len(axis) for axis in axes):
            return axes
        return grid_axes(self._solid_box(box), resolution)

    def _solid_box(self, box: ArrayLike | None) -> Array:
        """Return the ends of a box, or say along which axis the samples have no extent."""
        ends = self._box(box, flat=box is None)
        if flat := np.flatnonzero(ends[:, 0] == ends[:, 1]).tolist():
            raise ValueError(
                f"The samples of the fit have no extent along axis {flat[0]}, where they are all "
                f"at {ends[flat[0], 0]:g}, and so span no box. Pass box=, with ends for each of "
                f"the {len(ends)} coordinates."
            )
        return ends

    @property
    def _half_cells(self) -> Array:
        """Half the spacing of fitted voxels along each axis, 0 of samples."""
        axes: list[Array] = getattr(
            self, "volume_axes_", [np.zeros(1)] * self._readout.domain.n_dims
        )
        return np.array([np.ptp(axis) / max(len(axis) - 1, 1) / 2 for axis in axes])

    def to_mesh(
        self,
        resolution: int | Sequence[int] = 128,
        level: float = 0.5,
        *,
        box: ArrayLike | None = None,
        newton_steps: int = 3,
    ) -> Mesh:
        """Return the surface of the fitted shape, by its exact gradient.

        Parameters
        ----------
        resolution : int or sequence of 3 int, default=128
            Points of the grid that marching cubes work on, as in `predict_volume`.
        level : float, default=0.5
            The probability of the second label on the surface, between 0 and 1.
        box : array-like of shape (3, 2), default=None
            Lower and upper end along each coordinate. ``None`` is the extent of the fitted ones; of
            voxels that were fitted, these are cells, half their spacing beyond the outermost
            centres. Where it cuts the shape, the mesh is closed along the box.
        newton_steps : int, default=3
            Most steps that bring a vertex onto the surface.

        Returns
        -------
        mesh : Mesh
            In the units of the coordinates, with normals pointing outside.

        Raises
        ------
        ImportError
            If scikit-image, the extra ``mesh``, is not installed.
        NotFittedError
            If the encoder is not fitted.
        ValueError
            If a parameter is not as documented, there are not three coordinates, or there is no
            surface in the box.
        """
        ends = self._solid_box(box)
        if box is None:
            ends = ends + self._half_cells[:, None] * [-1, 1]
        if len(ends) != 3:
            raise ValueError(
                f"to_mesh is for shapes in three dimensions; this fit has {len(ends)}. "
                "predict_volume brings any others onto a grid."
            )
        if not 0 < level < 1:
            raise ValueError(
                f"level is a probability between 0 and 1, ends excluded; got {level!r}. 0.5 is "
                "where predict changes."
            )
        try:
            return level_set_mesh(
                lambda X: self._field_values(self.network_, X),
                self._gradient,
                ends,
                resolution,
                level=self._level(level),
                newton_steps=newton_steps,
            )
        except NoSurface:  # which speaks of the decision function
            raise ValueError(
                f"There is no surface at level {level}: at no point of the grid in the box "
                f"{ends.tolist()} is the probability of {self.classes_.tolist()[1]!r} above it. "
                "Take a lower level, a finer resolution or another box."
            ) from None


def _bandwidth(volume: Any, axes: Sequence[Array]) -> Array:
    """Return the bandwidth of a volume of labels in units of its coordinates, from whole lines.

    Samples that are dense near the surface see little else than jumps, and those have no bandwidth.
    Of the lines, one in so many is taken, of those that meet the surface as of the others: none of
    evenly spaced ones may meet what is thin.
    """
    shape = tuple(len(axis) for axis in axes)
    inside = np.empty(shape, dtype=np.bool_)
    first = np.asarray(volume[:1]).flat[0]
    for part in stretches(shape[0], prod(shape[1:])):
        inside[part] = np.asarray(volume[part]) != first
    step = -(-inside.size // _LINES)
    found = np.zeros(len(axes))
    for k, axis in enumerate(axes):
        lines = np.moveaxis(inside, k, 0)
        varies = np.asarray(lines.any(axis=0) != lines.all(axis=0))
        if not varies.any():
            continue
        taken = np.zeros_like(varies)
        taken.flat[np.argsort(~varies, axis=None, kind="stable")[::step]] = True
        labels = lines[:, taken].astype(float)
        spacing = float(np.ptp(axis)) / (len(axis) - 1)
        found[k] = bandwidth_along(labels - labels.mean(), spacing) if spacing else 0.0
    return found
