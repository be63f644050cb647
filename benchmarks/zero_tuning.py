"""The promise: MIREncoder() without any tuning, beside networks of one activation that were tuned.

Real signals of a few thousand samples (``small_signals.py``), each in samples to fit and a test
between them. skmire is ``MIREncoder(random_state=0)``, given the samples to fit and nothing else.
SIREN, FINER, the Gaussian and the real Gabor (scales and weight initialisation as published,
``plain_peers.py``) are tuned by hand: three scales, the published one and a third and three times
of it in the first layer, times three learning rates; each of the nine trained on four fifths of the
samples, the best by the other fifth trained again on all. Width, depth, epochs and everything else
of the training are those of skmire, so that only the choice of activation and scale differs.

A second time each peer is tuned as its authors train it, by the same nine and in plain loops: its
ten trainings have the seconds together that skmire takes, a tenth each. skmire is fitted again for
that, as machines differ in speed from one run of this script to the next.

PSNR by the range of the values, on the test and on the samples fitted; seconds of skmire, search
and all, and of one peer's grid: processor time, on one thread on both sides, as many signals at a
time as there are cores. scipy's RBFInterpolator with 50 neighbours stands beside. The rows of a
network are written as soon as they are measured, those of plain loops last; what the file holds is
not measured again.

    SKMIRE_DATA=... python benchmarks/zero_tuning.py [--csv benchmarks/zero_tuning.csv]
    python benchmarks/zero_tuning.py --report
"""

import argparse
import time
import warnings
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from plain_peers import PEERS, train
from records import fill, read, setting
from scipy.interpolate import RBFInterpolator
from small_signals import CASES

from skmire import Architecture, FixedSequence, MIREncoder, Trainer
from skmire.metrics import psnr
from skmire.search import single_thread

SCALES = (1 / 3, 1.0, 3.0)
RATES = (3e-4, 1e-3, 3e-3)
COLUMNS = (
    "signal", "network", "scale", "rate", "seed", "seconds", "epochs", "fitted_psnr",
    "tuning_psnr", "test_psnr", "sequence",
)  # fmt: skip


def parts(case, seed):
    """Return the rows to train on and the fifth that a peer is tuned by."""
    order = np.random.default_rng(seed).permutation(len(case.x))
    return np.sort(order[len(order) // 5 :]), np.sort(order[: len(order) // 5])


def scales_on(name, signal):
    return PEERS[name].scales_on("recording" if signal.startswith("music") else signal)


def tuned(name, signal, case, seed):
    """Return the rows of a peer: its grid, then the best of it on all samples."""

    def by_skmire(scale, rate, rows, tuning):
        first, hidden = scales_on(name, signal)
        encoder = MIREncoder(
            search=FixedSequence([PEERS[name].atom(s) for s in (first * scale, hidden, hidden)]),
            network=Architecture(PEERS[name].init, output_scale=1.0),
            trainer=Trainer(learning_rate=rate),
            random_state=seed,
        )
        return trained(encoder, case, rows, tuning)

    return grid_of(by_skmire, case, seed)


def tuned_plainly(name, signal, case, seed, seconds):
    """Return the rows of a peer as its authors train it, which take so many seconds together."""
    each = seconds / (len(SCALES) * len(RATES) + 1)

    def by_authors(scale, rate, rows, tuning):
        first, hidden = scales_on(name, signal)
        peer = replace(PEERS[name], scales=(first * scale, hidden), scales_for={}, rate=rate)
        begun = time.process_time()
        with single_thread():
            predict, steps, _ = train(peer, "", case.x[rows], two_d(case.y[rows]), each, seed)
        took = time.process_time() - begun
        return row_of(predict, case, rows, tuning, seconds=took, epochs=steps, sequence=name)

    return grid_of(by_authors, case, seed)


def grid_of(trained, case, seed):
    fit, tuning = parts(case, seed)
    best, rows = (-np.inf, 0.0, 0.0), []
    for scale, rate in product(SCALES, RATES):
        row = trained(scale, rate, fit, tuning)
        best = max(best, (row["tuning_psnr"], scale, rate))
        rows.append({"scale": f"{scale:.3g}", "rate": rate, **row})
    row = trained(*best[1:], np.arange(len(case.x)), None)
    return [*rows, {"scale": f"best {best[1]:.3g}", "rate": best[2], **row}]


def trained(encoder, case, rows, tuning):
    begun = time.process_time()
    try:
        with single_thread():
            encoder.fit(case.x[rows], case.y[rows])
    except RuntimeError as error:  # diverged
        lost = dict.fromkeys(("fitted_psnr", "tuning_psnr", "test_psnr"), -np.inf)
        seconds = time.process_time() - begun
        return {"seconds": seconds, "epochs": 0, "sequence": str(error)[:40], **lost}
    seconds = time.process_time() - begun
    sequence = "-".join(encoder.activations_)
    return row_of(encoder.predict, case, rows, tuning,
                  seconds=seconds, epochs=encoder.n_iter_, sequence=sequence)  # fmt: skip


def row_of(predict, case, rows, tuning, **known):
    def quality(x, y):
        return psnr(y, np.reshape(predict(x), y.shape), data_range=case.span)

    return {
        **known,
        "fitted_psnr": quality(case.x[rows], case.y[rows]),
        "tuning_psnr": np.nan if tuning is None else quality(case.x[tuning], case.y[tuning]),
        "test_psnr": quality(case.x_test, case.y_test),
    }


def two_d(values):
    return values.reshape(len(values), -1)


def ours(_, signal, case, seed):
    encoder = MIREncoder(random_state=seed)
    return [{"scale": "", "rate": "", **trained(encoder, case, slice(None), None)}]


def by_scipy(_, signal, case, seed):
    begun = time.process_time()
    answer = RBFInterpolator(case.x, case.y, neighbors=50)(case.x_test)
    return [{"scale": "", "rate": "", "seconds": time.process_time() - begun, "epochs": 0,
             "fitted_psnr": np.nan, "tuning_psnr": np.nan, "sequence": "",
             "test_psnr": psnr(case.y_test, answer, data_range=case.span)}]  # fmt: skip


METHODS = {"skmire": ours, **dict.fromkeys(PEERS, tuned), "rbf": by_scipy}
PLAIN = {f"{name}, plainly": name for name in PEERS}
AGAIN = "skmire, again"  # whose seconds plain loops have


def measured(signal, network, *, seed, took):
    """Return the rows of a network on a signal; `took` are skmire's seconds again, by signal."""
    warnings.filterwarnings("ignore", category=UserWarning)
    case = CASES[signal]()
    if network in PLAIN:
        rows = tuned_plainly(PLAIN[network], signal, case, seed, took[signal])
    else:
        rows = (ours if network == AGAIN else METHODS[network])(network, signal, case, seed)
    return [(signal, network, *(row.get(column, seed) for column in COLUMNS[2:])) for row in rows]


def measure(path, signals, seed):
    """Measure side by side what the file does not hold yet: plain loops last."""
    for networks in (METHODS, [AGAIN], PLAIN):
        again = [row for row in figures(path) if row["network"] == AGAIN]
        took = {row["signal"]: row["seconds"] for row in again}
        fill(path, COLUMNS, partial(measured, seed=seed, took=took), product(signals, networks))


def figures(path):
    rows = read(path)
    for row in rows:
        for name in ("seconds", "fitted_psnr", "tuning_psnr", "test_psnr"):
            row[name] = float(row[name])
    return rows


def report(rows):
    """Print the tables and what they come to."""
    found = {}  # the last of each grid: the best on all samples
    seconds = {}
    for row in rows:
        key = row["signal"], row["network"]
        found[key] = row["test_psnr"]
        seconds[key] = seconds.get(key, 0.0) + row["seconds"]
    sequences = {row["signal"]: row["sequence"] for row in rows if row["network"] == "skmire"}
    plainly = [signal for signal in sequences if all((signal, name) in found for name in PLAIN)]
    print(
        "\ntest PSNR in dB: skmire, each peer tuned, with skmire's training, and scipy's radial\n"
        "functions; seconds of skmire, of the slowest and the fastest grid of a peer\n"
    )
    names = ["skmire", *PEERS, "rbf"]
    print(f"{'':18}" + "".join(f"{name:>9}" for name in names) + "    lead   seconds")
    paces = []
    for signal, sequence in sequences.items():
        times = sorted(seconds[signal, name] for name in PEERS)
        paces.append(seconds[signal, "skmire"] / np.median(times))
        lead = found[signal, "skmire"] - max(found[signal, name] for name in PEERS)
        print(
            f"{signal:18}" + "".join(f"{found[signal, name]:9.2f}" for name in names)
            + f"  {lead:+6.2f}   {seconds[signal, 'skmire']:6.0f} {times[-1]:6.0f} {times[0]:6.0f}"
            f"   {sequence}"
        )  # fmt: skip
    summary(found, sequences, list(PEERS))
    print(
        f"in {np.median(paces):.2f} of the time of one peer's grid (median; at most "
        f"{max(paces):.2f})"
    )
    if not plainly:
        return
    print("\nthe same peers tuned as their authors train them, a grid in the time of skmire\n")
    names = ["skmire", *PEERS]
    print(f"{'':18}" + "".join(f"{name:>9}" for name in names) + "    lead   seconds")
    for signal in plainly:
        answers = [found[signal, name] for name in ["skmire", *PLAIN]]
        print(
            f"{signal:18}" + "".join(f"{answer:9.2f}" for answer in answers)
            + f"  {answers[0] - max(answers[1:]):+6.2f}   {seconds[signal, AGAIN]:6.0f}"
        )  # fmt: skip
    summary(found, plainly, list(PLAIN))


def summary(found, signals, peers):
    """Print by how much skmire is ahead of the best peer of each signal, and of each peer."""
    leads = {
        name: np.array([found[signal, "skmire"] - found[signal, name] for signal in signals])
        for name in peers
    }
    least = np.min(list(leads.values()), axis=0)
    print(
        f"\nahead of the best tuned peer of each signal by {least.mean():+.2f} dB on the mean, "
        f"{np.median(least):+.2f} on the median, {least.min():+.2f} at worst;\nahead or within "
        f"0.5 dB on {sum(least >= -0.5)} of {len(least)}, ahead on {sum(least > 0)}"
    )
    for name, lead in leads.items():
        print(f"ahead of {name:15} {lead.mean():+.2f} dB on the mean, {lead.min():+.2f} at worst")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, default=Path("benchmarks/zero_tuning.csv"))
    parser.add_argument("--signals", nargs="+", default=list(CASES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", action="store_true", help="only print what the file holds")
    options = parser.parse_args()
    print(f"{setting()}; seed {options.seed}")
    if not options.report:
        measure(options.csv, options.signals, options.seed)
    report(figures(options.csv))


if __name__ == "__main__":
    main()
