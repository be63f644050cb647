"""The promise: MIREncoder() without any tuning, beside networks of one activation that were tuned.

Real signals of a few thousand samples (``small_signals.py``), each in samples to fit and a test
between them: fourteen that some defaults of skmire were chosen by, in other benchmarks, and eight
that none was. skmire is ``MIREncoder(random_state=0)``, given the samples to fit and nothing else.
SIREN, FINER, the Gaussian and the real Gabor (``plain_peers.py``) are tuned by hand: three scales
of the first layer, the one of that file and a third and three times of it, times three learning
rates, and on from there, by thirds or threefold, as long as the best is at an edge and what lies
beyond is better. Each is trained on four fifths of the samples, and the best by the other fifth
trained again on all. Width, depth, epochs and everything else of the training are those of skmire,
so that only the choice of activation and scale differs.

PSNR by the range of the values, on the test and on the samples fitted; seconds of skmire, search
and all, and of the tuning of one peer: processor time, on one thread on both sides, as many signals
at a time as there are cores. scipy's RBFInterpolator with 50 neighbours stands beside, with more
where these lie in one plane. The rows of a network are written as soon as they are measured; what
the file holds is not measured again.

    SKMIRE_DATA=... python benchmarks/zero_tuning.py [--csv benchmarks/zero_tuning.csv]
    python benchmarks/zero_tuning.py --report
"""

import argparse
import time
import warnings
from collections import Counter
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from plain_peers import PEERS
from records import fill, read, setting
from scipy.interpolate import RBFInterpolator
from small_signals import CASES, UNSEEN

from skmire import Architecture, FixedSequence, MIREncoder, Trainer
from skmire.metrics import psnr
from skmire.search import single_thread

GRID = (-1, 0, 1)  # powers of three, of the published scale and of the rate
RATE = 1e-3
SIGNALS = {**CASES, **UNSEEN}
COLUMNS = (
    "signal", "network", "scale", "rate", "seed", "seconds", "epochs", "fitted_psnr",
    "tuning_psnr", "test_psnr", "sequence",
)  # fmt: skip


def parts(case, seed):
    """Return the rows to train on and the fifth that a peer is tuned by."""
    order = np.random.default_rng(seed).permutation(len(case.x))
    return np.sort(order[len(order) // 5 :]), np.sort(order[: len(order) // 5])


def scales_on(name, signal):
    return PEERS[name].scales_on("recording" if "music" in signal else signal)


def tuned(name, signal, case, seed):
    """Return the rows of a peer: what was tried by hand, then the best of it on all samples."""
    fit, tuning = parts(case, seed)
    first, hidden = scales_on(name, signal)
    rows = {}

    def row_at(powers, rows, tuning):
        scale, rate = 3.0 ** powers[0], RATE * 3.0 ** powers[1]
        encoder = MIREncoder(
            search=FixedSequence([PEERS[name].atom(s) for s in (first * scale, hidden, hidden)]),
            network=Architecture(PEERS[name].init, output_scale=1.0),
            trainer=Trainer(learning_rate=rate),
            random_state=seed,
        )
        row = trained(encoder, case, rows, tuning)
        return {"scale": f"{scale:.3g}", "rate": f"{rate:.2g}", **row}

    def quality(powers):
        if powers not in rows:
            rows[powers] = row_at(powers, fit, tuning)
        return rows[powers]["tuning_psnr"]

    best = max(product(GRID, GRID), key=quality)
    while True:
        scale, rate = best
        around = [(scale - 1, rate), (scale + 1, rate), (scale, rate - 1), (scale, rate + 1)]
        further = max((p for p in around if p not in rows), key=quality, default=best)
        if quality(further) <= quality(best):
            break
        best = further
    last = row_at(best, np.arange(len(case.x)), None)
    return [*rows.values(), {**last, "scale": f"best {last['scale']}"}]


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


def ours(_, signal, case, seed):
    encoder = MIREncoder(random_state=seed)
    return [{"scale": "", "rate": "", **trained(encoder, case, slice(None), None)}]


def by_scipy(_, signal, case, seed):
    begun = time.process_time()
    answer = interpolated(case, n_neighbours=50)
    return [{"scale": "", "rate": "", "seconds": time.process_time() - begun, "epochs": 0,
             "fitted_psnr": np.nan, "tuning_psnr": np.nan, "sequence": "",
             "test_psnr": psnr(case.y_test, answer, data_range=case.span)}]  # fmt: skip


def interpolated(case, n_neighbours):
    try:
        return RBFInterpolator(case.x, case.y, neighbors=n_neighbours)(case.x_test)
    except np.linalg.LinAlgError:  # these lie in one plane
        if n_neighbours >= len(case.x):
            raise
        return interpolated(case, 2 * n_neighbours)


METHODS = {"skmire": ours, **dict.fromkeys(PEERS, tuned), "rbf": by_scipy}


def measured(signal, network, *, seed):
    """Return the rows of a network on a signal."""
    warnings.filterwarnings("ignore", category=UserWarning)
    rows = METHODS[network](network, signal, SIGNALS[signal](), seed)
    return [(signal, network, *(row.get(column, seed) for column in COLUMNS[2:])) for row in rows]


def figures(path):
    rows = read(path)
    for row in rows:
        for name in ("seconds", "fitted_psnr", "tuning_psnr", "test_psnr"):
            row[name] = float(row[name])
    return rows


def report(rows):
    """Print the tables and what they come to."""
    print(
        "\ntest PSNR in dB: skmire, each peer tuned, and scipy's radial functions; seconds of "
        "skmire,\nand of the slowest and the fastest tuning of a peer"
    )
    for title, signals in (
        ("signals that some defaults were chosen by", CASES),
        ("signals that none was chosen by", UNSEEN),
    ):
        print(f"\n{title}\n")
        table([row for row in rows if row["signal"] in signals])


def table(rows):
    found = {(row["signal"], row["network"]): row["test_psnr"] for row in rows}  # the last of each
    seconds, n_tried = Counter(), Counter()
    for row in rows:
        seconds[row["signal"], row["network"]] += row["seconds"]
        n_tried[row["signal"], row["network"]] += 1
    names = ["skmire", *PEERS, "rbf"]
    print(f"{'':18}" + "".join(f"{name:>9}" for name in names) + "    lead   seconds")
    paces, sequences = [], {r["signal"]: r["sequence"] for r in rows if r["network"] == "skmire"}
    for signal, sequence in sequences.items():
        times = sorted(seconds[signal, name] for name in PEERS)
        paces.append(seconds[signal, "skmire"] / np.median(times))
        lead = found[signal, "skmire"] - max(found[signal, name] for name in PEERS)
        print(
            f"{signal:18}" + "".join(f"{found[signal, name]:9.2f}" for name in names)
            + f"  {lead:+6.2f}   {seconds[signal, 'skmire']:6.0f} {times[-1]:6.0f} {times[0]:6.0f}"
            f"   {sequence}"
        )  # fmt: skip
    leads = {
        name: np.array([found[signal, "skmire"] - found[signal, name] for signal in sequences])
        for name in (*PEERS, "rbf")
    }
    least = np.min([leads[name] for name in PEERS], axis=0)
    print(
        f"\nahead of the best tuned peer of each signal by {least.mean():+.2f} dB on the mean, "
        f"{np.median(least):+.2f} on the median, {least.min():+.2f} at worst;\nahead or within "
        f"0.5 dB on {sum(least >= -0.5)} of {len(least)}, ahead on {sum(least > 0)}"
    )
    for name, lead in leads.items():
        print(
            f"ahead of {name:7} by {lead.mean():+6.2f} dB on the mean, {np.median(lead):+6.2f} on "
            f"the median, {lead.min():+6.2f} at worst; ahead on {sum(lead > 0)}"
        )
    siren, rbf = (np.array([found[s, name] for s in sequences]) for name in ("siren", "rbf"))
    second, best = np.sort([[found[s, name] for name in PEERS] for s in sequences]).T[-2:]
    print(
        f"the best two peers are less than 0.5 dB apart on {sum(best - second < 0.5)}, siren is "
        f"less than 0.3 dB behind the best on {sum(best - siren < 0.3)}; rbf is ahead of all on "
        f"{sum((rbf > best) & (leads['rbf'] < 0))}"
    )
    trainings = [n_tried[signal, name] for signal in sequences for name in PEERS]
    print(
        f"in {np.median(paces):.2f} of the time of tuning one peer (median; at most "
        f"{max(paces):.2f}), of {np.median(trainings):.0f} trainings (median; at most "
        f"{max(trainings)})"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, default=Path("benchmarks/zero_tuning.csv"))
    parser.add_argument("--signals", nargs="+", default=list(SIGNALS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", action="store_true", help="only print what the file holds")
    options = parser.parse_args()
    print(f"{setting()}; seed {options.seed}")
    if not options.report:
        wanted = product(options.signals, METHODS)
        fill(options.csv, COLUMNS, partial(measured, seed=options.seed), wanted)
    report(figures(options.csv))


if __name__ == "__main__":
    main()
