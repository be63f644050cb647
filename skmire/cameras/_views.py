"""Pictures of one scene, and where they were taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skmire.cameras._poses import check_poses
from skmire.cameras._rays import camera_rays

Array = NDArray[np.float64]

_ROUNDING = 1e-6  # of colours in single precision, with some to spare


@dataclass(frozen=True, eq=False, repr=False)
class Views:
    """Pictures of one scene, taken by one camera from known places.

    Parameters
    ----------
    images : ndarray of shape (n_views, height, width, n_channels)
        Grey, RGB or, with four channels, RGB and straight alpha: unsigned integers, of which the
        largest of their type is 1, or floats in [0, 1].
    poses : ndarray of shape (n_views, 4, 4)
        From the camera's coordinates to the world's, as `look_at` returns them.
    focal : float
        Focal length in pixels, above 0.
    near, far : float, default=None
        Distances between which the scene is, where they are known.

    Examples
    --------
    >>> from skmire.datasets import coloured_solids
    >>> views = coloured_solids(random_state=0).views(3, height=16, width=20)
    >>> X, y = views.samples()
    >>> len(views), X.shape, y.shape
    (3, (960, 6), (960, 3))
    """

    images: NDArray[Any]
    poses: Array
    focal: float
    near: float | None = None
    far: float | None = None

    def __post_init__(self) -> None:
        for name, given in (("images", self.images), ("poses", self.poses)):
            if not isinstance(given, np.ndarray):
                raise ValueError(
                    f"Views need an array for {name}, got a {type(given).__name__}. Pass "
                    f"np.stack({name}), or np.asarray of it."
                )
        if self.images.ndim != 4 or self.poses.shape != (len(self.images), 4, 4):
            raise ValueError(
                "Views need images of shape (n_views, height, width, n_channels) and a pose of "
                f"shape (4, 4) for each; got shapes {self.images.shape} and {self.poses.shape}."
            )
        if self.images.shape[3] not in (1, 3, 4):
            raise ValueError(
                "Views need images of 1, 3 or 4 channels, the last with alpha; got "
                f"{self.images.shape[3]}. Channels are the last axis."
            )
        _check_colours(self.images)
        if not 0 < self.focal < np.inf:
            raise ValueError(f"Views need a focal length above 0, in pixels; got {self.focal!r}.")
        check_poses("poses", self.poses)

    def __repr__(self) -> str:
        n, height, width, channels = self.images.shape
        return (
            f"Views({n} of {width} x {height} pixels, {channels} channels, "
            f"focal={self.focal:g}, near={self.near}, far={self.far})"
        )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def height(self) -> int:
        """Height of a picture, in pixels."""
        return int(self.images.shape[1])

    @property
    def width(self) -> int:
        """Width of a picture, in pixels."""
        return int(self.images.shape[2])

    def picture(self, view: int, background: Literal["white", "black"] = "white") -> Array:
        """Return one picture as it is seen in front of a background.

        Parameters
        ----------
        view : int
            Which one.
        background : {"white", "black"}, default="white"
            What is seen where the picture is transparent.

        Returns
        -------
        picture : ndarray of shape (height, width, n_colours)
            In [0, 1], without alpha.

        Raises
        ------
        ValueError
            If the background is neither.
        """
        return _composed(self.images[view], background)

    def rays(self, view: int) -> Array:
        """Return the rays of one picture.

        Parameters
        ----------
        view : int
            Which one.

        Returns
        -------
        rays : ndarray of shape (height * width, 6)
            As `camera_rays` returns them.
        """
        return camera_rays(self.poses[view], self.height, self.width, self.focal)

    def samples(
        self,
        n_samples: int | None = None,
        *,
        background: Literal["white", "black"] = "white",
        random_state: int | np.random.RandomState | None = None,
    ) -> tuple[Array, Array]:
        """Return the rays of pixels and their colours, to be fitted.

        Parameters
        ----------
        n_samples : int, default=None
            How many pixels, drawn at random from all views; ``None`` is for all.
        background : {"white", "black"}, default="white"
            What is seen where a picture is transparent: that of the `VolumeRendering`.
        random_state : int, RandomState instance or None, default=None
            Seed of the draw.

        Returns
        -------
        X : ndarray of shape (n_samples, 6)
            Rays.
        y : ndarray of shape (n_samples, n_colours)
            In [0, 1].

        Raises
        ------
        ValueError
            If there are not so many pixels, or the background is neither.
        """
        of_view = self.height * self.width
        total = len(self) * of_view
        if n_samples is not None and not 1 <= n_samples <= total:
            raise ValueError(
                f"samples can draw from 1 to all {total} pixels of the views, got {n_samples}."
            )
        chosen = np.arange(total)
        if n_samples is not None:
            drawn = check_random_state(random_state).permutation(total)[:n_samples]
            chosen = np.sort(drawn)
        rays, colours = [], []
        for view in range(len(self)):
            first, last = np.searchsorted(chosen, [view * of_view, (view + 1) * of_view])
            if first == last:
                continue
            pixels = chosen[first:last] - view * of_view
            rays.append(self.rays(view)[pixels])
            picture = self.picture(view, background)
            colours.append(picture.reshape(of_view, -1)[pixels])
        return np.concatenate(rays), np.concatenate(colours)


def light_of(background: str) -> float:
    """Return how light a background is.

    Parameters
    ----------
    background : {"white", "black"}

    Raises
    ------
    ValueError
        If it is neither.
    """
    if background not in ("white", "black"):
        raise ValueError(f'background must be "white" or "black", got {background!r}.')
    return float(background == "white")


def _check_colours(images: NDArray[Any]) -> None:
    if images.dtype.kind == "u":
        return
    if images.dtype.kind != "f":
        raise ValueError(
            f"Views need images of unsigned integers, such as uint8, or of floats in [0, 1]; got "
            f"{images.dtype}. Pass images.astype(np.uint8) of those of 8 bits, and of bools "
            "images.astype(float)."
        )
    low, high = images.min(initial=1.0), images.max(initial=0.0)
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):  # nor NaN
        raise ValueError(
            f"Views need floats in [0, 1], and images are from {low:g} to {high:g}. Divide those "
            "of 8 bits by 255."
        )


def _composed(image: NDArray[Any], background: str) -> Array:
    light = light_of(background)
    largest = np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1
    scaled = image.astype(np.float64) / largest
    if scaled.shape[-1] != 4:
        return scaled
    colours, alpha = scaled[..., :3], scaled[..., 3:]
    return colours * alpha + light * (1 - alpha)
