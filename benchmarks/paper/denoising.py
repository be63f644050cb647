"""Denoising: fitted to an image with noise, and judged by the image without.

The noise is Gaussian, of a tenth of the range in every channel, and the same for all networks and
seeds. By their authors' recipe WIRE has the scales that they denoise with.

    SKMIRE_DATA=... python benchmarks/paper/denoising.py --scale quarter
"""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is

from entrants import everyone
from images import number_of
from runner import Case, Experiment, main

from skmire.datasets import grid_samples

NOISE = 0.1


def with_noise(image: np.ndarray, name: str) -> Case:
    rng = np.random.default_rng(number_of(name))
    noisy = image + NOISE * rng.standard_normal(image.shape)
    coords, values = grid_samples(noisy)
    return Case(coords, values, image, coords, shown={"truth": image, "noisy": noisy})


_WIRE = {"frequency": 5.0, "scale": 5.0}  # for both, where its authors denoise

EXPERIMENTS = (
    Experiment(
        "denoising",
        "Denoising, Kodak",
        everyone(authors={"wire": _WIRE, "wire, real": _WIRE}),
        case=with_noise,
        notes=(f"Noise of deviation {NOISE}: {-20 * np.log10(NOISE):.0f} dB as it is.",),
    ),
)

if __name__ == "__main__":
    main(EXPERIMENTS)
