"""How well a cheap round of a search ranks sequences as a whole training does.

Real signals (``small_signals.py``); single atoms at half, once and twice the matched scale, and
thirty mixed sequences, 128 units, 30 epochs. Every candidate is trained in full and in cheap
rounds: with fewer epochs, or on a share of the samples with as large a share of the units squared,
in as many steps. A fifth of the samples is held out from all of it. Printed, for judging by the
samples held out and by those trained on: the rank correlation with the whole training, and by how
many dB the best of a round's first one and first three stays below the best of all.

    SKMIRE_DATA=... python benchmarks/screening.py [--csv benchmarks/screening.csv]
    python benchmarks/screening.py --report
"""

import argparse
from pathlib import Path

import numpy as np
from records import append, read, setting
from scipy.stats import spearmanr
from small_signals import CASES

from skmire import MIREncoder
from skmire.search import BaseLayerSearch
from skmire.search._contest import Contest, Effort
from skmire.search._entry import Entry

SIGNALS = ("face", "houses", "text", "music", "ridge", "sea floor", "air temperature", "statue")
ROUNDS = {
    "in full": Effort(),
    "1/4 of the epochs": Effort(epochs=1 / 4),
    "1/6 of the epochs": Effort(epochs=1 / 6),
    "1/12 of the epochs": Effort(epochs=1 / 12),
    "1/4 of the samples": Effort(samples=1 / 4),
}
LOSSES = {"held out": "held_out_loss", "trained on": "train_loss"}
COLUMNS = ("signal", "round", "sequence", "scales", "train_loss", "held_out_loss", "seconds")


class Rounds(BaseLayerSearch):
    """Train the same sequences in every kind of round; there is nothing to be found."""

    depth = 3

    def search(self, problem, trainer):
        atoms, rng = list(problem.dictionary), np.random.default_rng(0)
        entries = [Entry((a,) * 3, factor) for a in atoms for factor in (0.5, 1.0, 2.0)]
        entries += [
            Entry(tuple(atoms[i] for i in rng.integers(len(atoms), size=3))) for _ in range(30)
        ]
        contest = Contest(problem, trainer, "held_out", cost=1.0)
        for name, effort in ROUNDS.items():
            standings = contest.round(name, entries, effort)
        return contest.decide([standings[0].entry])


def measure(signal):
    """Yield the rows of a signal."""
    case = CASES[signal]()
    encoder = MIREncoder(search=Rounds(), hidden_width=128, max_epochs=30, random_state=0)
    table = encoder.fit(case.x, case.y).search_results_
    for i, stage in enumerate(table["stage"]):
        if stage in ROUNDS:
            names = ("atom", "scales", "train_loss", "held_out_loss", "seconds")
            yield signal, stage, *(table[name][i] for name in names)


def report(rows):
    """Print the table, a line for each kind of round."""
    print(
        "\nrank correlation, median (least) of the signals; best of the first one and three below"
    )
    print("the best of all in dB, median (most); seconds as a share of those in full\n")
    full = [row for row in rows if row["round"] == "in full"]
    for judged, column in LOSSES.items():
        for name in list(ROUNDS)[1:]:
            ranks, firsts, threes, times = [], [], [], []
            for signal in dict.fromkeys(row["signal"] for row in rows):
                truth = {
                    (r["sequence"], r["scales"]): -10 * np.log10(float(r[column]))
                    for r in full
                    if r["signal"] == signal and np.isfinite(float(r[column]))
                }
                here = [r for r in rows if (r["signal"], r["round"]) == (signal, name)]
                here = [r for r in here if (r["sequence"], r["scales"]) in truth]
                here = sorted(here, key=lambda r: float(r[column]))
                quality = [truth[r["sequence"], r["scales"]] for r in here]
                ranks.append(-spearmanr([float(r[column]) for r in here], quality).statistic)
                firsts.append(max(truth.values()) - quality[0])
                threes.append(max(truth.values()) - max(quality[:3]))
                whole = sum(float(r["seconds"]) for r in full if r["signal"] == signal)
                times.append(sum(float(r["seconds"]) for r in here) / whole)
            print(
                f"{judged:11} {name:20} {np.median(ranks):+.2f} ({min(ranks):+.2f})   "
                f"{np.median(firsts):5.2f} ({max(firsts):5.2f})   {np.median(threes):5.2f} "
                f"({max(threes):5.2f})   {np.median(times):.2f}"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, default=Path("benchmarks/screening.csv"))
    parser.add_argument("--signals", nargs="+", default=list(SIGNALS))
    parser.add_argument("--report", action="store_true", help="only print what the file holds")
    options = parser.parse_args()
    print(f"{setting()}; seed 0")
    rows = read(options.csv)
    done = {row["signal"] for row in rows}
    for signal in [] if options.report else options.signals:
        if signal in done:
            continue
        found = [
            [f"{value:.5g}" if isinstance(value, float) else value for value in row]
            for row in measure(signal)
        ]
        append(options.csv, COLUMNS, *found)
        print(signal, flush=True)
        rows = read(options.csv)
    report(rows)


if __name__ == "__main__":
    main()
