"""Text over an image, for inpainting."""

from __future__ import annotations

from functools import cache
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skmire._optional import require

_LONGEST = 9  # letters a word
_LINE, _SPACE = 1.3, 0.4  # heights of a line and widths of a space, in sizes of the font


def text_mask(
    shape: tuple[int, int],
    *,
    font_size: int | tuple[int, int] = 16,
    random_state: int | np.random.RandomState | None = None,
) -> NDArray[np.bool_]:
    """Return which pixels of an image stay visible under lines of random text.

    Words of two to nine letters, from edge to edge, in the font that Pillow ships, not smoothed.

    Parameters
    ----------
    shape : tuple of two int
        Height and width in pixels, at least 1.
    font_size : int or tuple of two int, default=16
        Size of the letters in pixels, at least 4. Two are the smallest and the largest: each word
        then has a size of its own between them.
    random_state : int, RandomState instance or None, default=None
        Seed of the text. The same seed gives the same mask with the same version of Pillow.

    Returns
    -------
    visible : ndarray of bool of shape (height, width)
        False where there is text.

    Raises
    ------
    ImportError
        If Pillow is missing.
    ValueError
        If a size is not as documented.

    Examples
    --------
    Fit the pixels that are left, and predict all:

    >>> from skmire.datasets import grid_samples, load_image, text_mask
    >>> image = load_image(max_side=64)
    >>> visible = text_mask(image.shape[:2], font_size=(8, 14), random_state=0)
    >>> coords, values = grid_samples(image)
    >>> len(coords), len(coords[visible.ravel()]) < 0.9 * len(coords)
    (4096, True)
    """
    height, width = shape
    smallest, largest = np.broadcast_to(font_size, 2).tolist()
    if min(height, width) < 1 or not 4 <= smallest <= largest:
        raise ValueError(
            "text_mask needs a height and a width of at least 1, and a font_size of at least 4 or "
            f"two in ascending order; got shape={shape!r}, font_size={font_size!r}."
        )
    image, drawing, fonts = (
        require(f"PIL.{name}", extra="image", purpose="text_mask")
        for name in ("Image", "ImageDraw", "ImageFont")
    )
    font_of = cache(fonts.load_default)
    canvas = image.new("1", (width, height))
    pen, rng = drawing.Draw(canvas), check_random_state(random_state)
    for top in np.arange(0, height, _LINE * largest):
        left = 0.0
        while left < width:
            size = rng.randint(smallest, largest + 1)
            word = "".join(rng.choice(list(ascii_lowercase), rng.randint(2, _LONGEST + 1)))
            font = font_of(float(size))
            pen.text((left, top), word, fill=1, font=font)
            left += font.getlength(word) + _SPACE * size
    return ~np.asarray(canvas, dtype=bool)
