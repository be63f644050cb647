"""The images of the experiments, at three sizes, and what is made of them."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from real_signals import averaged, kodak, picture

from skmire.datasets import text_mask

Array = NDArray[np.float64]

SIX = tuple(f"kodim{n:02}" for n in (9, 23, 8, 5, 13, 20))
REST = tuple(f"kodim{n:02}" for n in range(1, 25) if f"kodim{n:02}" not in SIX)
TWO = ("kodim09", "kodim08")
HARD_EDGES = "hard edges"  # drawn here


@cache
def load(name: str, scale: str) -> Array:
    """Return an image in [0, 1], of shape (height, width, 3).

    In ``"full"`` it is as it is. ``"quarter"`` averages blocks of pixels, four a side in the Kodak
    set (192 x 128 remain) and two in the small images. ``"tiny"`` is 48 x 32 in the middle of that.
    """
    if name == HARD_EDGES:
        sides = {"full": (512, 768), "quarter": (128, 192), "tiny": (32, 48)}
        return hard_edges(*sides[scale])
    if name.startswith("kodim"):
        image, by = kodak(name), 4
    else:
        image, by = picture(f"images/{name}.png"), 2
    if scale == "full":
        return image
    image = averaged(image, by)
    if scale == "tiny":
        middle = (
            slice((n - m) // 2, (n + m) // 2)
            for n, m in zip(image.shape[:2], (32, 48), strict=True)
        )
        image = image[tuple(middle)]
    return image


def hard_edges(height: int, width: int) -> Array:
    """Return an image of black and white alone: bars that narrow to a pixel, discs, and text."""
    rows, columns = np.mgrid[:height, :width]
    n = height // 3
    # From bars of a twelfth of the width to bars of one pixel.
    steps = np.geomspace(width / 12, 1, width)
    bars = (np.cumsum(1 / steps) % 2 < 1)[columns[:n]]
    around = np.hypot(rows[n : 2 * n] - 1.5 * n, (columns[n : 2 * n] % n) - n / 2)
    discs = around < n / 2 * (1 - columns[n : 2 * n] / width)
    size = max(height // 8, 4)
    text = text_mask((height - 2 * n, width), font_size=(size, 2 * size), random_state=0)
    image = np.concatenate([bars, discs, text]).astype(float)
    return np.repeat(image[..., None], 3, axis=2)


def number_of(name: str) -> int:
    """Return a number for an image, to seed what is its own: of the Kodak set, its own there."""
    digits = "".join(filter(str.isdigit, name))
    return int(digits) if digits else sum(map(ord, name))
