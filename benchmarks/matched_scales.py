"""What the constants are worth that matched scales and weights start from.

Real signals (``small_signals.py``), networks of one atom in three layers of 128 units, 30 epochs,
one seed. Each starts as the dictionary says; at half and twice the first scale; with hidden inputs
spread 1.6 times less and more; and with the map to the outputs as large as torch starts it, or far
smaller. Printed, atom by atom, is by how many dB the test of the others stays above or below that
of the first: mean, worst and best over the signals.

    SKMIRE_DATA=... python benchmarks/matched_scales.py [--csv benchmarks/matched_scales.csv]
    python benchmarks/matched_scales.py --report
"""

from itertools import product

import numpy as np
from records import fill_and_report
from small_signals import CASES

from skmire import Architecture, MIREncoder
from skmire.atoms import ActivationDictionary
from skmire.search import BaseLayerSearch, single_thread
from skmire.search._contest import Contest, Effort
from skmire.search._entry import Entry

SIGNALS = ("face", "houses, noise", "text", "music", "ridge, scattered", "sea floor, gaps",
           "air temperature", "statue")  # fmt: skip
#: Factors of the first scale and of hidden spreads, and how large the outputs start.
STARTS = {
    "as they are": (1.0, 1.0, 0.1),
    "first x 1/2": (0.5, 1.0, 0.1),
    "first x 2": (2.0, 1.0, 0.1),
    "hidden / 1.6": (1.0, 1 / 1.6, 0.1),
    "hidden x 1.6": (1.0, 1.6, 0.1),
    "outputs in full": (1.0, 1.0, 1.0),
    "outputs / 100": (1.0, 1.0, 0.01),
}
COLUMNS = ("signal", "atom", "start", "test_psnr", "fitted_psnr")


class One(BaseLayerSearch):
    """One atom in three layers, at scales and a rate that differ by factors from the usual."""

    depth = 3

    def __init__(self, first=1.0, hidden=1.0, rate=1.0):
        self.first, self.hidden, self.rate = first, hidden, rate

    def search(self, problem, trainer):
        (atom,) = problem.dictionary
        entry = Entry((atom,) * self.depth, self.first, self.hidden, self.rate)
        contest = Contest(problem, trainer, "train")
        contest.judged = problem  # on all samples
        return contest.fit(contest.round("one", [entry], Effort()))


def measured(signal, atom, start):
    first, hidden, outputs = STARTS[start]
    case = CASES[signal]()
    encoder = MIREncoder(
        ActivationDictionary([atom]), One(first, hidden), hidden_width=128, max_epochs=30,
        network=Architecture(output_scale=outputs), random_state=0,
    )  # fmt: skip
    with single_thread():
        encoder.fit(case.x, case.y)
    qualities = case.quality(encoder), case.quality(encoder, (case.x, case.y))
    return [[signal, atom, start, *(round(quality, 3) for quality in qualities)]]


def report(rows):
    found = {(r["signal"], r["atom"], r["start"]): float(r["test_psnr"]) for r in rows}
    atoms = list(dict.fromkeys(r["atom"] for r in rows))
    starts = [start for start in STARTS if start != "as they are"]
    print("\ndB gained by starting otherwise: mean (worst, best) over the signals\n")
    print(" " * 20 + "".join(f"{start:>22}" for start in starts))
    gains = {
        (atom, start): [
            found[signal, atom, start] - found[signal, atom, "as they are"] for signal in SIGNALS
        ]
        for atom, start in product(atoms, starts)
    }
    for atom in atoms:
        line = ""
        for start in starts:
            gain = gains[atom, start]
            line += f"{np.mean(gain):+8.2f} ({min(gain):+5.1f} {max(gain):+5.1f})"
        print(f"{atom:20}{line}")
    means = [np.mean([gains[atom, start] for atom in atoms]) for start in starts]
    print(f"{'mean':20}" + "".join(f"{mean:+8.2f}{'':14}" for mean in means))


if __name__ == "__main__":
    cells = product(SIGNALS, ActivationDictionary().names, STARTS)
    fill_and_report(__doc__, "matched_scales", COLUMNS, measured, cells, report)
