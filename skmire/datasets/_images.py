"""Images as arrays in [0, 1]."""

from __future__ import annotations

from os import PathLike

import numpy as np
from numpy.typing import NDArray

from skmire._optional import require


def load_image(
    path: str | PathLike[str] | None = None, *, max_side: int | None = None
) -> NDArray[np.float64]:
    """Return an image as an array in [0, 1], shrunk if it is larger than wanted.

    Parameters
    ----------
    path : str or path-like, default=None
        A file that Pillow reads. ``None`` is scikit-image's photograph of an astronaut (NASA,
        public domain), which needs no download.
    max_side : int, default=None
        Longest side in pixels, at least 1; larger images are shrunk by anti-aliased resampling.

    Returns
    -------
    image : ndarray of shape (height, width) or (height, width, 3)
        Grey or RGB; an alpha channel is dropped.

    Raises
    ------
    ImportError
        If scikit-image or Pillow is missing.
    OSError
        If the file cannot be read as an image.
    TypeError
        If it is no path.

    Examples
    --------
    >>> from skmire.datasets import load_image
    >>> load_image(max_side=64).shape
    (64, 64, 3)
    """
    if max_side is not None and max_side < 1:
        raise ValueError(f"max_side must be at least 1, got {max_side}.")
    if not isinstance(path, str | PathLike | None):
        raise TypeError(
            f"load_image takes the path of a file, got a {type(path).__name__}. An array needs no "
            "loading: pass it to skmire.datasets.grid_samples."
        )
    pillow = require("PIL.Image", extra="image", purpose="load_image")
    if path is None:
        image = pillow.fromarray(
            require("skimage.data", extra="image", purpose="load_image").astronaut()
        )
    else:
        with pillow.open(path) as opened:
            if opened.mode in ("F", "I") or opened.mode.startswith("I;"):
                raise OSError(
                    f"{path} has {opened.mode} pixels; load_image reads 8-bit grey and colour. "
                    "Read it with another package and pass the array."
                )
            image = opened.convert("L" if opened.mode in ("1", "L", "LA") else "RGB")
    if max_side is not None and max(image.size) > max_side:
        shrink = max_side / max(image.size)
        size = tuple(max(round(side * shrink), 1) for side in image.size)
        image = image.resize(size, pillow.Resampling.LANCZOS)
    return np.asarray(image, dtype=np.float64) / 255
