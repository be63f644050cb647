"""Image representation: fitted to every pixel, and asked for these pixels.

SKMIRE_DATA=... python benchmarks/paper/representation.py --scale quarter
"""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is
from runner import Experiment, main

if __name__ == "__main__":
    main(
        Experiment(
            "representation",
            "Image representation, Kodak",
            visible=lambda image, number: np.ones(image.shape[:2], dtype=bool),
            without={},
        )
    )
