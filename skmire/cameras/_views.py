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


@dataclass(frozen=True)
class Views:
    """Pictures of one scene, taken by one camera from known places.

    Parameters
    ----------
    images : ndarray of shape (n_views, height, width, n_channels)
        Grey, RGB or, with four channels, RGB and straight alpha: of type uint8, or in [0, 1].
    poses : ndarray of shape (n_views, 4, 4)
        From the camera's coordinates to the world's, as `look_at` returns them.
    focal : float
        Focal length in pixels.
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
        if self.images.ndim != 4 or self.poses.shape != (len(self.images), 4, 4):
            raise ValueError(
                "Views need images of shape (n_views, height, width, n_channels) and a pose of "
                f"shape (4, 4) for each; got shapes {self.images.shape} and {self.poses.shape}."
            )
        check_poses("poses", self.poses)

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
            If there are not so many pixels.
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


def _composed(image: NDArray[Any], background: str) -> Array:
    scaled = image / 255.0 if image.dtype == np.uint8 else image.astype(np.float64)
    if scaled.shape[-1] != 4:
        return scaled
    colours, alpha = scaled[..., :3], scaled[..., 3:]
    return colours * alpha + float(background == "white") * (1 - alpha)
