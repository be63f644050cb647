"""How good a fit is after a given time, beside networks trained as their authors train them.

Real signals (``real_signals.py``), a tenth of the samples held out. For each a budget B by its
size, and fits annealed to B/8, B/4, B/2 and B seconds (the others' to B/4 and B):

- each peer (``plain_peers.py``): a plain torch loop over all samples, after its authors' recipe;
- skmire with the peer's own atoms, scales and weight initialisation, and the trainer's defaults;
- scikit-learn's MLPRegressor of the same size, by its defaults, an epoch at a time, for B;
- scipy's RBFInterpolator with 50 neighbours (it meets its samples: its held-out figure counts).

PSNR by the range of the values, on the samples fitted and on those held out. A row of the CSV is
written as soon as it is measured; what the file holds is not measured again.

    SKMIRE_DATA=... python benchmarks/time_to_quality.py [--csv benchmarks/time_to_quality.csv]
    python benchmarks/time_to_quality.py --report
"""

import argparse
import statistics
import time
import warnings
from itertools import chain
from pathlib import Path

import numpy as np
from plain_peers import PEERS, train
from real_signals import SIGNALS
from records import append, read, setting
from scipy.interpolate import RBFInterpolator
from sklearn.neural_network import MLPRegressor

from skmire import Architecture, FixedSequence, MIREncoder
from skmire.metrics import psnr

FRACTIONS = (1 / 8, 1 / 4, 1 / 2, 1.0)
SEEDS = {"photograph crop": (0, 1, 2), "topography": (0, 1, 2)}  # one elsewhere
COLUMNS = (
    "signal", "n_samples", "network", "trained_by", "seed", "budget", "fraction", "seconds",
    "passes", "psnr", "held_out_psnr",
)  # fmt: skip


def by_authors(network, signal, x, y, budget, seed):
    return train(PEERS[network], signal, x, y, budget, seed)


def by_skmire(network, signal, x, y, budget, seed, trainer=None):
    peer = PEERS[network]
    first, hidden = peer.scales_on(signal)
    encoder = MIREncoder(
        search=FixedSequence([peer.atom(first), peer.atom(hidden), peer.atom(hidden)]),
        network=Architecture(peer.init),
        trainer=trainer,
        max_epochs=10**6,
        time_limit=budget,
        random_state=seed,
    )
    begun = time.perf_counter()
    encoder.fit(x, y)
    return encoder.predict, encoder.n_iter_, time.perf_counter() - begun


def by_sklearn(network, signal, x, y, budget, seed):
    spread = y.std()
    model = MLPRegressor(hidden_layer_sizes=(256, 256, 256), random_state=seed)
    targets = (y - y.mean(0)) / spread
    targets = targets[:, 0] if targets.shape[1] == 1 else targets
    begun, epochs = time.perf_counter(), 0
    while time.perf_counter() - begun < budget:
        model.partial_fit(x, targets)
        epochs += 1
    took = time.perf_counter() - begun

    def predict(coords):
        return model.predict(coords).reshape(len(coords), -1) * spread + y.mean(0)

    return predict, epochs, took


def by_scipy(network, signal, x, y, budget, seed):
    begun = time.perf_counter()
    model = RBFInterpolator(x, y, neighbors=50)
    model(x[:10_000])  # it only works when asked
    took = (time.perf_counter() - begun) * len(x) / min(len(x), 10_000)  # roughly, so
    return model, 0, took


METHODS = {
    **{(name, "authors"): by_authors for name in PEERS},
    **{(name, "skmire"): by_skmire for name in PEERS},
    ("mlp", "scikit-learn"): by_sklearn,
    ("rbf", "scipy"): by_scipy,
}


def parts(signal):
    """Return the samples to fit and those held out."""
    coords, values = SIGNALS[signal][0]()
    order = np.random.default_rng(0).permutation(len(coords))
    n = len(coords) // 10
    fitted, held_out = np.sort(order[n:]), np.sort(order[:n])
    return coords[fitted], values[fitted], coords[held_out], values[held_out]


def measure(signal, method, fraction, seed):
    """Return a row: the quality that one training reaches."""
    x, y, x_out, y_out = parts(signal)
    budget = SIGNALS[signal][1] * fraction
    predict, steps, took = METHODS[method](method[0], signal, x, y, budget, seed)
    span = float(y.max() - y.min())
    shown = slice(None) if method[0] != "rbf" else slice(0, 1_000)

    def quality(x, y):
        return round(psnr(y, predict(x).reshape(y.shape), data_range=span), 3)

    return (
        signal, len(x), *method, seed, SIGNALS[signal][1], fraction, round(took, 3), steps,
        quality(x[shown], y[shown]), quality(x_out, y_out),
    )  # fmt: skip


def wanted(signals, methods):
    """Yield what is to be measured: first everything with seed 0."""
    for seed in sorted({seed for seeds in SEEDS.values() for seed in seeds} | {0}):
        for signal in signals:
            if seed not in SEEDS.get(signal, (0,)):
                continue
            for method in methods:
                if method[0] == "rbf":
                    if seed == 0:
                        yield signal, method, 1.0, seed
                    continue
                fewer = (1.0,) if method[0] == "mlp" else (1 / 4, 1.0)
                for fraction in FRACTIONS if method[1] == "skmire" else fewer:
                    yield signal, method, fraction, seed


def figures(path):
    rows = read(path)
    for row in rows:
        for name in COLUMNS[4:]:
            row[name] = float(row[name])
    return rows


def report(rows):
    """Print PSNR by budget, and how much sooner skmire reaches what a peer has at B."""
    speeds, gains, between = ({network: [] for network in PEERS} for _ in range(3))

    def median(signal, network, by, fraction, column="psnr"):
        found = [
            row[column]
            for row in rows
            if (row["signal"], row["network"], row["trained_by"]) == (signal, network, by)
            and row["fraction"] == fraction
        ]
        return statistics.median(found) if found else float("nan")

    header = " ".join(f"{f'B/{round(1 / f)}' if f < 1 else 'B':>7}" for f in FRACTIONS)
    for signal in dict.fromkeys(row["signal"] for row in rows):
        budget = SIGNALS[signal][1]
        print(f"\n{signal}, B = {budget:g} s: PSNR in dB, in brackets of the samples held out at B")
        print(f"{'':24} {header}   held out  {'sooner':>8}")
        for network in [*PEERS, "mlp"]:
            bys = ("authors", "skmire") if network in PEERS else ("scikit-learn",)
            for by in bys:
                line = [median(signal, network, by, f) for f in FRACTIONS]
                out = median(signal, network, by, 1.0, "held_out_psnr")
                text = " ".join(f"{value:7.2f}" if value == value else f"{'':7}" for value in line)
                sooner = ""
                if by == "skmire":
                    goal = median(signal, network, "authors", 1.0)
                    reached = [f for f, v in zip(FRACTIONS, line, strict=True) if v >= goal]
                    if not np.isnan(goal + line[-1]):  # both have been measured
                        speeds[network].append(1 / reached[0] if reached else 0.0)
                        gains[network].append(line[-1] - goal)
                        peers_own = median(signal, network, "authors", 1.0, "held_out_psnr")
                        between[network].append(out - peers_own)
                        sooner = f"{speeds[network][-1]:7.0f}x" if reached else "    behind"
                print(f"{network + ' by ' + by:24} {text}   ({out:6.2f})  {sooner:>8}")
        rbf = [r for r in rows if r["signal"] == signal and r["network"] == "rbf"]
        for row in rbf:
            print(
                f"{'rbf by scipy':24} {'exact':>31}   ({row['held_out_psnr']:6.2f})  "
                f"{row['seconds']:.0f} s for its samples"
            )
    print(
        "\nhow many times sooner skmire reaches what the peer has at B (8 is the most that this\n"
        "can show, 0 is never), by how many dB it is ahead at B, and on the samples held out:\n"
        "medians of the signals; steps that the peer's own loop came to at B\n"
    )
    steps = {
        network: [
            int(row["passes"])
            for row in rows
            if (row["network"], row["trained_by"], row["fraction"]) == (network, "authors", 1)
        ]
        for network in PEERS
    }
    for name in (*PEERS, "all"):
        sooner, ahead, apart, passes = (
            [*chain(*part.values())] if name == "all" else part[name]
            for part in (speeds, gains, between, steps)
        )
        if sooner:
            print(
                f"{name:6} {statistics.median(sooner):3.0f}x   {summary(ahead)};   "
                f"{summary(apart)};   {min(passes)} to {max(passes)} steps"
            )


def summary(gained):
    behind = sum(gain < 0 for gain in gained)
    return (
        f"{statistics.median(gained):+6.1f} dB, behind on {behind} of {len(gained)}, at worst "
        f"{min(gained):+.1f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, default=Path("benchmarks/time_to_quality.csv"))
    parser.add_argument("--signals", nargs="+", default=list(SIGNALS))
    parser.add_argument("--report", action="store_true", help="only print what the file holds")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    print(f"{setting()}; seeds 0 to 2")
    rows = figures(options.csv)
    if not options.report:
        key = ("signal", "network", "trained_by", "fraction", "seed")
        done = {tuple(row[name] for name in key) for row in rows}
        for signal, method, fraction, seed in wanted(options.signals, METHODS):
            if (signal, *method, fraction, seed) in done:
                continue
            row = measure(signal, method, fraction, seed)
            append(options.csv, COLUMNS, row)
            print(*row, sep="  ", flush=True)
        rows = figures(options.csv)
    report(rows)


if __name__ == "__main__":
    main()
