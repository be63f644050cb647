"""Learning curves by layer: every atom that the paper's growth tries, layer after layer.

PSNR of the mean training loss of each epoch.

    SKMIRE_DATA=... python benchmarks/paper/learning_curves.py --scale quarter
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is

from entrants import own
from images import TWO
from runner import Case, Experiment, main, psnr_of_losses

from skmire import MIREncoder


def curves(case: Case, encoder: MIREncoder) -> list[dict]:
    return [
        {"layer": c.layer, "atom": c.atom, "epoch": epoch, "psnr": round(float(value), 3)}
        for c in encoder.search_result_.trace
        for epoch, value in enumerate(psnr_of_losses(c.training.curve, encoder), start=1)
    ]


EXPERIMENTS = (
    Experiment(
        "learning_curves",
        "Learning curves by layer",
        (own("growth", search={"mode": "growth"}),),
        images=TWO,
        unit="evaluations",
        seeds=(0,),
        measures=("layer", "atom", "epoch", "psnr"),
        judge=curves,
        panel=None,
        lines=("layer", "atom"),
        along="epoch",
    ),
)

if __name__ == "__main__":
    main(EXPERIMENTS)
