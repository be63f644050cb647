"""Inpainting: fitted to the pixels beside a text, and asked for all.

The text differs from image to image, and is the same for all networks and seeds. Its letters are of
12 pixels at quarter scale and of 48 in full; in the second experiment of half to twice that.

    SKMIRE_DATA=... python benchmarks/paper/inpainting.py --scale quarter
"""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is
from entrants import everyone, radial
from images import REST, number_of
from runner import Case, Experiment, main

from skmire.datasets import grid_samples, text_mask


def beside_text(image: np.ndarray, name: str, *, random: bool) -> Case:
    size = 48 if max(image.shape) > 200 else 12
    sizes = (size // 2, 2 * size) if random else size
    visible = text_mask(image.shape[:2], font_size=sizes, random_state=number_of(name))
    coords, values = grid_samples(image)
    shown, at = {"fitted": np.where(visible[..., None], image, 1.0)}, visible.ravel()
    return Case(coords[at], values[at], image, coords, ~at, shown)


def of_sizes(name: str, title: str, *, random: bool) -> Experiment:
    return Experiment(
        name,
        title,
        (*everyone(without=["incode"]), radial()),
        case=lambda image, number: beside_text(image, number, random=random),
        others=REST,
        measures=("psnr", "ssim", "hidden_psnr"),
        notes=(
            "incode takes no part: of its authors' harmonisers skmire has the one that reads an "
            "image, without holes.",
        ),
    )


EXPERIMENTS = (
    of_sizes("inpainting", "Inpainting, Kodak, text of one size", random=False),
    of_sizes("inpainting_random", "Inpainting, Kodak, text of random sizes", random=True),
)

if __name__ == "__main__":
    main(EXPERIMENTS)
