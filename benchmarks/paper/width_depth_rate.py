"""Hidden width, depth and learning rate, one at a time.

All trained by skmire. With another width or depth a published network has as many parameters as a
plain one of that size.

    SKMIRE_DATA=... python benchmarks/paper/width_depth_rate.py --scale quarter
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is

from entrants import PEERS, own, peer
from images import TWO
from runner import Experiment, main

from skmire import Trainer

NETWORKS = (own(), *(peer(network) for network in PEERS))


def varied(name: str, title: str, entrants: list) -> Experiment:
    return Experiment(name, title, tuple(entrants), images=TWO, seeds=(0,), panel=None)


EXPERIMENTS = (
    varied(
        "width",
        "Hidden width",
        [e.at(f"width {n:03}", width=n) for n in (64, 128, 256, 384) for e in NETWORKS],
    ),
    varied(
        "depth",
        "Depth",
        [e.at(f"layers {n}", layers=n) for n in (1, 2, 3, 4, 5) for e in NETWORKS],
    ),
    varied(
        "learning_rate",
        "Learning rate",
        [
            e.at(f"rate {rate:g}")
            for rate in (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
            for trainer in [Trainer(learning_rate=rate)]
            for e in (own(trainer=trainer), *(peer(n, trainer=trainer) for n in PEERS))
        ],
    ),
)

if __name__ == "__main__":
    main(EXPERIMENTS)
