"""Edge detection: where the exact gradient of a fit is steep, and where the image is.

The edges of the image are the tenth of its pixels with the largest differences of grey, central as
``numpy.gradient`` has them. Those of a fit are the pixels at which its gradient is as long as that
or longer. Precision is the share of the fit's that lie no more than one pixel from one of the
image's, recall the share of the image's that lie so near to one of the fit's, F their harmonic
mean.

    SKMIRE_DATA=... python benchmarks/paper/edges.py --scale quarter
"""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is

from entrants import everyone
from runner import Case, Experiment, main
from scipy.ndimage import maximum_filter

from skmire import MIREncoder
from skmire.datasets import grid_samples

SHARE = 0.1


def steepness(image: np.ndarray) -> np.ndarray:
    return np.hypot(*np.gradient(image.mean(axis=2)))


def of_fit(case: Case, encoder: MIREncoder) -> np.ndarray:
    gradient = encoder.gradient(case.places).mean(axis=1)
    return np.linalg.norm(gradient, axis=1).reshape(case.truth.shape[:2])


def edges(image: np.ndarray, name: str) -> Case:
    coords, values = grid_samples(image)
    steep = steepness(image)
    shown = {"truth": image, "edges": on_white(steep, threshold(steep))}
    return Case(coords, values, image, coords, shown=shown)


def threshold(steep: np.ndarray) -> float:
    return float(np.quantile(steep, 1 - SHARE))


def on_white(steep: np.ndarray, at: float) -> np.ndarray:
    return np.where(steep > at, 0.0, 1.0)[..., None]


def agreement(case: Case, encoder: MIREncoder) -> dict:
    steep = steepness(case.truth)
    true, found = steep > threshold(steep), of_fit(case, encoder) > threshold(steep)
    precision = maximum_filter(true, 3)[found].mean() if found.any() else 0.0
    recall = maximum_filter(found, 3)[true].mean()
    both = precision + recall
    f = 2 * precision * recall / both if both else 0.0
    return {"F": round(f, 4), "precision": round(precision, 4), "recall": round(recall, 4)}


EXPERIMENTS = (
    Experiment(
        "edges",
        "Edge detection by the gradient of the fit",
        everyone(),
        case=edges,
        images=("butterfly", "woman", "kodim09", "kodim23"),
        measures=("F", "precision", "recall"),
        judge=agreement,
        panel=lambda case, encoder: on_white(
            of_fit(case, encoder), threshold(steepness(case.truth))
        ),
    ),
)

if __name__ == "__main__":
    main(EXPERIMENTS)
