"""Residual connections: layers from the second on add what they read to their atom's values.

For skmire's search, and for networks of one atom.

    SKMIRE_DATA=... python benchmarks/paper/residual.py --scale quarter
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is

from entrants import own, single
from images import TWO
from runner import Experiment, main

from skmire import Architecture
from skmire.atoms import ActivationDictionary

EXPERIMENTS = (
    Experiment(
        "residual",
        "Residual connections",
        tuple(
            entrant.at(setting)
            for setting, architecture in (
                ("plain", Architecture()),
                ("residual", Architecture(residual=True)),
            )
            for entrant in (
                own(network=architecture),
                *(single(a, network=architecture) for a in ActivationDictionary().names),
            )
        ),
        images=TWO,
        seeds=(0, 1),
        sequences=True,
    ),
)

if __name__ == "__main__":
    main(EXPERIMENTS)
