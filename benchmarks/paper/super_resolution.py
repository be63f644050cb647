"""Super-resolution: fitted to means over two by two pixels, and asked for the pixels.

Of the Kodak set and of the small images in ``images/``. Means lie in the middle of the pixels that
they are of. Beside the networks stand cubic splines and radial functions. By their authors' recipe
WIRE has the scales that they advise for super-resolution.

    SKMIRE_DATA=... python benchmarks/paper/super_resolution.py --scale quarter
"""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is

from entrants import Entrant, everyone, radial
from images import REST, SIX
from real_signals import averaged
from runner import Case, Experiment, main
from scipy.ndimage import map_coordinates

from skmire.datasets import grid_samples


def of_half_the_size(image: np.ndarray, name: str) -> Case:
    even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
    small = averaged(even, 2)
    coords, values = grid_samples(small)
    shown = {"truth": even, "fitted": small.repeat(2, axis=0).repeat(2, axis=1)}
    return Case(2 * coords + 0.5, values, even, grid_samples(even)[0], shown=shown)


def by_spline(case: Case) -> np.ndarray:
    """Return what cubic splines through the means have at the pixels."""
    shape = [n // 2 for n in case.truth.shape[:2]]
    at = (case.places.T - 0.5) / 2
    channels = case.values.reshape(*shape, -1).transpose(2, 0, 1)
    return np.stack([map_coordinates(c, at, order=3, mode="nearest") for c in channels], axis=1)


_WIRE = {"frequency": 8.0, "scale": 6.0}
ENTRANTS = (
    *everyone(authors={"wire": _WIRE, "wire, real": _WIRE}),
    Entrant("cubic spline", "scipy", by_spline),
    radial(),
)

EXPERIMENTS = (
    Experiment(
        "super_resolution",
        "Super-resolution by two, Kodak",
        ENTRANTS,
        case=of_half_the_size,
        images=SIX,
        others=REST,
    ),
    Experiment(
        "super_resolution_small",
        "Super-resolution by two, butterfly and woman",
        ENTRANTS,
        case=of_half_the_size,
        images=("butterfly", "woman"),
    ),
)

if __name__ == "__main__":
    main(EXPERIMENTS)
