"""High-frequency encoding: an image of hard edges, and where it is missed.

Bars that narrow to a pixel, discs and text, in black and white. The picture is of absolute errors,
black at 0 and white from half the range. The largest errors are the mean over the worst
hundredth of the pixels.

    SKMIRE_DATA=... python benchmarks/paper/high_frequency.py --scale quarter
"""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is

from entrants import everyone
from images import HARD_EDGES
from runner import Case, Experiment, main, quality

from skmire import MIREncoder


def errors(case: Case, encoder: MIREncoder) -> np.ndarray:
    found = encoder.predict(case.places).reshape(case.truth.shape)
    return np.abs(found - case.truth).mean(axis=2, keepdims=True)


def judged(case: Case, encoder: MIREncoder) -> dict:
    worst = np.sort(errors(case, encoder).ravel())[-max(case.truth[..., 0].size // 100, 1) :]
    return {**quality(case, encoder), "largest_errors": round(float(worst.mean()), 4)}


EXPERIMENTS = (
    Experiment(
        "high_frequency",
        "An image of hard edges",
        everyone(),
        images=(HARD_EDGES,),
        measures=("psnr", "ssim", "largest_errors"),
        judge=judged,
        panel=lambda case, encoder: 2 * errors(case, encoder),
    ),
)

if __name__ == "__main__":
    main(EXPERIMENTS)
