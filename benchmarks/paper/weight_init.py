"""Weight initialisation, with the sequences found: they change.

For the look-ahead and for the paper's growth.

    SKMIRE_DATA=... python benchmarks/paper/weight_init.py --scale quarter
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is

from entrants import own
from images import TWO
from runner import Experiment, main

from skmire import Architecture

INITS = ("torch", "siren", "xavier", "kaiming", "normal", "orthogonal")

EXPERIMENTS = (
    Experiment(
        "weight_init",
        "Weight initialisation",
        tuple(
            entrant.at(init)
            for init in INITS
            for architecture in [Architecture(init)]
            for entrant in (
                own(network=architecture),
                own("growth", search={"mode": "growth"}, network=architecture),
            )
        ),
        images=TWO,
        sequences=True,
    ),
)

if __name__ == "__main__":
    main(EXPERIMENTS)
