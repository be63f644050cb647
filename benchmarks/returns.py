"""What it is worth to go back when the loss has crept up, and on with a smaller step size.

Real signals (``small_signals.py``), networks of one kind in three layers, two budgets of epochs,
one seed, one thread: SIREN and FINER at their published scales, and atoms at matched ones, all by
the trainer's defaults. Each is trained as it is and without the watch for a loss that creeps up.
Printed is by how many dB it is better with that watch, on the test and on the samples fitted: mean,
median, worst and best over the trainings that it changed.

    SKMIRE_DATA=... python benchmarks/returns.py [--csv benchmarks/returns.csv]
    python benchmarks/returns.py --report
"""

from itertools import product
from unittest.mock import patch

import numpy as np
from records import fill_and_report
from small_signals import CASES

from skmire import FixedSequence, MIREncoder, Trainer, peers
from skmire.search import single_thread
from skmire.training import _run

SIGNALS = ("houses", "text", "music", "ridge", "air temperature", "statue")
PUBLISHED = {"SIREN": peers.siren, "FINER": peers.finer}
NETWORKS = (*PUBLISHED, "sinusoid", "finer", "sinc", "gabor")
EPOCHS = (60, 300)
COLUMNS = ("signal", "network", "epochs", "watched", "n_returns", "test_psnr", "fitted_psnr")


def measured(signal, network, epochs, watched):
    case, given = CASES[signal](), {"max_epochs": epochs, "random_state": 0}
    if network in PUBLISHED:
        encoder = PUBLISHED[network](trainer=Trainer(), **given)
    else:
        encoder = MIREncoder(search=FixedSequence(network), **given)
    patience = _run._PATIENCE if watched else 10**9
    with patch.object(_run, "_PATIENCE", patience), single_thread():
        encoder.fit(case.x, case.y)
    (candidate,) = encoder.search_result_.trace
    qualities = case.quality(encoder), case.quality(encoder, (case.x, case.y))
    row = [signal, network, epochs, watched, candidate.training.n_returns]
    return [[*row, *(f"{quality:.3f}" for quality in qualities)]]


def report(rows):
    """Print how many trainings the watch changed, and their gains."""
    found = {tuple(row[name] for name in COLUMNS[:4]): row for row in rows}
    print("\nepochs  network     changed            test: mean, median (worst, best)", end="")
    print("          fitted: mean, median (worst, best)")
    for epochs, network in product(EPOCHS, NETWORKS):
        pairs = [
            (found[signal, network, str(epochs), "True"], without)
            for (signal, name, n, watched), without in found.items()
            if (name, n, watched) == (network, str(epochs), "False")
        ]
        changed = [pair for pair in pairs if pair[0]["fitted_psnr"] != pair[1]["fitted_psnr"]]
        line = f"{epochs:6}  {network:9}  {len(changed):3} of {len(pairs)}"
        for column in ("test_psnr", "fitted_psnr") if changed else ():
            gains = [float(new[column]) - float(old[column]) for new, old in changed]
            line += f"  {np.mean(gains):+14.2f} {np.median(gains):+7.2f} dB"
            line += f" ({min(gains):+6.2f}, {max(gains):+6.2f})"
        print(line)
    print(f"\nthe test after {EPOCHS[-1]} epochs, signal by signal\n\n{'':16}", end="")
    print("".join(f"{network:>10}" for network in NETWORKS))
    for signal in SIGNALS:
        gains = [
            float(found[signal, network, str(EPOCHS[-1]), "True"]["test_psnr"])
            - float(found[signal, network, str(EPOCHS[-1]), "False"]["test_psnr"])
            for network in NETWORKS
        ]
        print(f"{signal:16}" + "".join(f"{gain:+10.2f}" for gain in gains))


if __name__ == "__main__":
    cells = product(SIGNALS, NETWORKS, EPOCHS, (True, False))
    fill_and_report(__doc__, "returns", COLUMNS, measured, cells, report)
