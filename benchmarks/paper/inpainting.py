"""Inpainting: fitted to the pixels beside a text, and asked for all.

The text differs from image to image, and is the same for all networks and seeds. Its letters are of
12 pixels at quarter scale and of 48 in full; in the second experiment of half to twice that.

    SKMIRE_DATA=... python benchmarks/paper/inpainting.py --scale quarter
"""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is
from runner import Experiment, main

from skmire.datasets import text_mask

WITHOUT = {"incode": "it reads the signal as an image, and takes none with holes"}


def letters(image: np.ndarray) -> int:
    return 48 if max(image.shape) > 200 else 12


def one_size(image: np.ndarray, number: int) -> np.ndarray:
    return text_mask(image.shape[:2], font_size=letters(image), random_state=number)


def random_sizes(image: np.ndarray, number: int) -> np.ndarray:
    sizes = letters(image) // 2, 2 * letters(image)
    return text_mask(image.shape[:2], font_size=sizes, random_state=number)


if __name__ == "__main__":
    main(
        Experiment("inpainting", "Inpainting, Kodak, text of one size", one_size, WITHOUT),
        Experiment(
            "inpainting_random", "Inpainting, Kodak, text of random sizes", random_sizes, WITHOUT
        ),
    )
