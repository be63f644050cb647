"""How atoms start: the paper's uniform and normal draws, five trials each, and matched scales.

A real signal (``small_signals.py``) of a few thousand samples, three layers of 128 units, 30
epochs. For each way to start: the paper's growth, the look-ahead, and networks of one atom as the
peers have it (sinusoid: SIREN, FINER, Gaussian, real Gabor; PyTorch's weights). Mean and
standard deviation over five seeds of PSNR on the samples fitted and on the test between them, and
the sequences that the searches found.

    SKMIRE_DATA=... python benchmarks/initialisation.py [--csv benchmarks/initialisation.csv]
    python benchmarks/initialisation.py --report
"""

import argparse
import statistics
from collections import Counter
from itertools import product
from pathlib import Path

from records import fill, read, setting
from small_signals import CASES

from skmire import FixedSequence, LayerSearch, MIREncoder
from skmire.atoms import ActivationDictionary
from skmire.search import DivergenceError, single_thread

STARTS = {
    "U(0, 1)": ("uniform", 0, 1),
    "U(-1, 1)": ("uniform", -1, 1),
    "U(-10, 10)": ("uniform", -10, 10),
    "U(-100, 100)": ("uniform", -100, 100),
    "N(0, 1)": ("normal", 0, 1),
    "N(0, 10)": ("normal", 0, 10),
    "base": "base",
    "matched": "matched",
}
NETWORKS = {
    "growth": LayerSearch(mode="growth"),
    "look-ahead": LayerSearch(),
    **{name: FixedSequence(name) for name in ("sinusoid", "finer", "gaussian", "gabor")},
}
SEEDS = range(5)
COLUMNS = ("signal", "start", "network", "seed", "fitted_psnr", "test_psnr", "sequence")


def measured(signal, start, network, seed):
    """Return the row of a network, in a list."""
    case = CASES[signal]()
    encoder = MIREncoder(
        ActivationDictionary.paper(init=STARTS[start]),
        NETWORKS[network],
        hidden_width=128,
        max_epochs=30,
        random_state=seed,
    )
    try:
        with single_thread():
            encoder.fit(case.x, case.y)
    except DivergenceError:
        return [(signal, start, network, seed, "nan", "nan", "diverged")]
    fitted, tested = case.quality(encoder, (case.x, case.y)), case.quality(encoder)
    sequence = "-".join(encoder.activations_)
    return [(signal, start, network, seed, f"{fitted:.3f}", f"{tested:.3f}", sequence)]


def report(rows):
    """Print a table a signal: a line for each start, and the sequences found."""
    for signal in dict.fromkeys(row["signal"] for row in rows):
        for column in ("fitted_psnr", "test_psnr"):
            print(f"\n{signal}, {column.replace('_psnr', '')}: PSNR in dB, mean ± deviation")
            print(f"{'':14}" + "".join(f"{name:>14}" for name in NETWORKS))
            for start in STARTS:
                line = f"{start:14}"
                for network in NETWORKS:
                    key = (signal, start, network)
                    found = [
                        float(row[column])
                        for row in rows
                        if (row["signal"], row["start"], row["network"]) == key
                        and row[column] != "nan"
                    ]
                    shown = ""
                    if len(found) > 1:
                        shown = f"{statistics.mean(found):6.2f} ±{statistics.stdev(found):5.2f}"
                    line += f"{shown:>14}"
                print(line)
        print("\nsequences found, and how often")
        for start, network in product(STARTS, ("growth", "look-ahead")):
            key = (signal, start, network)
            counts = Counter(
                row["sequence"]
                for row in rows
                if (row["signal"], row["start"], row["network"]) == key
            )
            told = ", ".join(f"{name} {n}" for name, n in counts.most_common())
            print(f"{start:14}{network:12}{told}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, default=Path("benchmarks/initialisation.csv"))
    parser.add_argument("--signals", nargs="+", default=["houses"])
    parser.add_argument("--report", action="store_true", help="only print what the file holds")
    options = parser.parse_args()
    print(f"{setting()}; seeds 0 to 4")
    if not options.report:
        fill(options.csv, COLUMNS, measured, product(options.signals, STARTS, NETWORKS, SEEDS))
    report(read(options.csv))


if __name__ == "__main__":
    main()
