"""Positional encoding before a grown network, with the picture after each layer.

The paper's growth leaves a network of one layer, of two and so on; the picture has what each makes
of the image, from left to right. The look-ahead has no such stages.

    SKMIRE_DATA=... python benchmarks/paper/positional_encoding.py --scale quarter
"""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is

from entrants import own
from images import TWO
from runner import Case, Experiment, main, quality

from skmire import Architecture, MIREncoder
from skmire.metrics import psnr
from skmire.networks import FourierFeatures, PositionalEncoding

ENCODINGS = {
    "coordinates": None,
    "positional, 4 octaves": PositionalEncoding(4),
    "positional, 8 octaves": PositionalEncoding(8),
    "random features": FourierFeatures(64, scale=2.0),
}
LAYERS = ("layer_1_psnr", "layer_2_psnr")


def stages(case: Case, encoder: MIREncoder) -> list[np.ndarray]:
    return [y.reshape(case.truth.shape) for y in encoder.staged_predict(case.places)]


def judged(case: Case, encoder: MIREncoder) -> dict:
    found = [psnr(case.truth, image, data_range=1.0) for image in stages(case, encoder)]
    return {
        **quality(case, encoder),
        **{name: round(value, 3) for name, value in zip(LAYERS, found, strict=False)},
    }


EXPERIMENTS = (
    Experiment(
        "positional_encoding",
        "Positional encoding",
        tuple(
            own("growth", search={"mode": "growth"}, network=Architecture(encoding=e)).at(name)
            for name, e in ENCODINGS.items()
        ),
        images=TWO,
        seeds=(0,),
        unit="evaluations",
        measures=("psnr", "ssim", *LAYERS),
        judge=judged,
        panel=lambda case, encoder: np.concatenate(stages(case, encoder), axis=1),
        sequences=True,
    ),
)

if __name__ == "__main__":
    main(EXPERIMENTS)
