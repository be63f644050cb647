"""One atom only: all layers at once, and layer by layer as the paper grows a network.

Beside the searches over the whole dictionary. The growth over a dictionary of one atom trains it
for one layer, for two and so on; of the wavelet that is WIRE, trained layer by layer.

    SKMIRE_DATA=... python benchmarks/paper/one_atom.py --scale quarter
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is

from entrants import own, single
from images import TWO
from runner import Experiment, main

from skmire.atoms import ActivationDictionary

GROWTH = {"mode": "growth"}


def alone(atom: str):
    """Return the growth over a dictionary of one atom."""
    return own(atom, search=GROWTH, dictionary=ActivationDictionary([atom]))


EXPERIMENTS = (
    Experiment(
        "one_atom",
        "One atom only",
        (
            own().at("at once"),
            own(search=GROWTH).at("layer by layer"),
            *(single(atom).at("at once") for atom in ActivationDictionary().names),
            *(alone(atom).at("layer by layer") for atom in ActivationDictionary().names),
        ),
        images=TWO,
        seeds=(0, 1),
        sequences=True,
    ),
)

if __name__ == "__main__":
    main(EXPERIMENTS)
