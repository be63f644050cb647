"""Total against effective epochs: the paper's growth, and the peers given k times as many.

The growth trains the k atoms of the dictionary in every layer. Its *effective* epochs are those of
the atoms chosen, its *total* is k times that. Peers are trained once for as many as are effective,
as a network fitted to the sequence would be, and once for the total, which the search has cost.
The budget is in evaluations: of the total. PSNR of the mean training loss, at some forty epochs.

    SKMIRE_DATA=... python benchmarks/paper/total_epochs.py --scale quarter
"""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is

from dataclasses import replace

from entrants import PEERS, own, peer
from images import TWO
from runner import Case, Experiment, main, psnr_of_losses

from skmire import MIREncoder
from skmire.atoms import ActivationDictionary

PAPER = ActivationDictionary.paper()


def curve(case: Case, encoder: MIREncoder) -> list[dict]:
    path = encoder.search_result_.path
    found = np.concatenate([psnr_of_losses(c.training.curve, encoder) for c in path])
    told = np.unique(np.geomspace(1, len(found), 40).round().astype(int))
    return [{"epoch": int(n), "psnr": round(float(found[n - 1]), 3)} for n in told]


def both(network: str):
    peers = peer(network), replace(peer(network), share=1 / len(PAPER))
    return [e.at(name) for e, name in zip(peers, ("total", "effective"), strict=True)]


EXPERIMENTS = (
    Experiment(
        "total_epochs",
        "Total against effective epochs",
        (
            own("growth", search={"mode": "growth"}, dictionary=PAPER).at("effective"),
            *(entrant for network in PEERS for entrant in both(network)),
        ),
        images=TWO,
        unit="evaluations",
        seeds=(0,),
        measures=("epoch", "psnr"),
        judge=curve,
        panel=None,
        along="epoch",
    ),
)

if __name__ == "__main__":
    main(EXPERIMENTS)
