"""The promise: MIREncoder() without any tuning, beside networks of one activation that were tuned.

Real signals of a few thousand samples (``small_signals.py``), each in samples to fit and a test
between them. skmire is ``MIREncoder(random_state=0)``, given the samples to fit and nothing else.
SIREN, FINER, the Gaussian and the real Gabor (scales and weight initialisation as published,
``plain_peers.py``) are tuned by hand: three scales, the published one and a third and three times
of it in the first layer, times three learning rates; each of the nine trained on four fifths of the
samples, the best by the other fifth trained again on all. Width, depth, epochs and everything else
of the training are those of skmire, so that only the choice of activation and scale differs; in
plain loops the peers would be slower (``time_to_quality.py``).

PSNR by the range of the values, on the test and on the samples fitted; seconds of skmire, search
and all, and of one peer's grid: processor time, on one thread on both sides. scipy's
RBFInterpolator with 50 neighbours stands beside. A row of the CSV is written as soon as it is
measured; what the file holds is not measured again.

    SKMIRE_DATA=... python benchmarks/zero_tuning.py [--csv benchmarks/zero_tuning.csv]
    python benchmarks/zero_tuning.py --report
"""

import argparse
import os
import platform
import time
import warnings
from importlib.metadata import version
from itertools import product
from pathlib import Path

import numpy as np
import torch
from plain_peers import PEERS
from records import append, read
from scipy.interpolate import RBFInterpolator
from small_signals import CASES

from skmire import Architecture, FixedSequence, MIREncoder, Trainer
from skmire.atoms._acceleration import kernel
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


def peer(name, signal, scale, rate, seed):
    kind = "recording" if signal.startswith("music") else signal
    first, hidden = PEERS[name].scales_on(kind)
    atoms = [PEERS[name].atom(s) for s in (first * scale, hidden, hidden)]
    return MIREncoder(
        search=FixedSequence(atoms),
        network=Architecture(PEERS[name].init, output_scale=1.0),
        trainer=Trainer(learning_rate=rate),
        random_state=seed,
    )


def tuned(name, signal, case, seed):
    """Yield the rows of a peer: its grid, then the best of it on all samples."""
    fit, tuning = parts(case, seed)
    best = (-np.inf, 0.0, 0.0)
    for scale, rate in product(SCALES, RATES):
        row = trained(peer(name, signal, scale, rate, seed), case, fit, tuning)
        best = max(best, (row["tuning_psnr"], scale, rate))
        yield {"scale": f"{scale:.3g}", "rate": rate, **row}
    row = trained(peer(name, signal, *best[1:], seed), case, np.arange(len(case.x)), None)
    yield {"scale": f"best {best[1]:.3g}", "rate": best[2], **row}


def trained(encoder, case, fit, tuning):
    begun = time.process_time()
    try:
        with single_thread():
            encoder.fit(case.x[fit], case.y[fit])
    except RuntimeError as error:  # diverged
        lost = dict.fromkeys(("fitted_psnr", "tuning_psnr", "test_psnr"), -np.inf)
        seconds = time.process_time() - begun
        return {"seconds": seconds, "epochs": 0, "sequence": str(error)[:40], **lost}
    seconds = time.process_time() - begun

    def quality(rows):
        return case.quality(encoder, (case.x[rows], case.y[rows]))

    return {
        "seconds": seconds,
        "epochs": encoder.n_iter_,
        "fitted_psnr": quality(fit),
        "tuning_psnr": np.nan if tuning is None else quality(tuning),
        "test_psnr": case.quality(encoder),
        "sequence": "-".join(encoder.activations_),
    }


def ours(name, signal, case, seed):
    yield {
        "scale": "",
        "rate": "",
        **trained(MIREncoder(random_state=seed), case, slice(None), None),
    }


def by_scipy(name, signal, case, seed):
    begun = time.process_time()
    answer = RBFInterpolator(case.x, case.y, neighbors=50)(case.x_test)
    yield {"scale": "", "rate": "", "seconds": time.process_time() - begun, "epochs": 0,
           "fitted_psnr": np.nan, "tuning_psnr": np.nan, "sequence": "",
           "test_psnr": psnr(case.y_test, answer, data_range=case.span)}  # fmt: skip


METHODS = {"skmire": ours, **dict.fromkeys(PEERS, tuned), "rbf": by_scipy}


def figures(path):
    rows = read(path)
    for row in rows:
        for name in ("seconds", "fitted_psnr", "tuning_psnr", "test_psnr"):
            row[name] = float(row[name])
    return rows


def report(rows):
    """Print the table and what it comes to."""
    names = "".join(f"{name:>9}" for name in METHODS)
    print("\ntest PSNR in dB; seconds of skmire, the slowest and the fastest grid of a peer\n")
    print(f"{'':18}{names}    lead   seconds               sequence")
    leads, paces = [], []
    for signal in dict.fromkeys(row["signal"] for row in rows):
        found = [row for row in rows if row["signal"] == signal]
        last = {row["network"]: row for row in found}  # of a peer: the best on all samples
        times = {name: sum(r["seconds"] for r in found if r["network"] == name) for name in last}
        peers = [name for name in PEERS if last.get(name, {}).get("scale", "").startswith("best")]
        if "skmire" not in last or len(peers) < len(PEERS):
            continue
        lead = last["skmire"]["test_psnr"] - max(last[name]["test_psnr"] for name in peers)
        grids = sorted(times[name] for name in peers)
        leads.append(lead)
        paces.append(times["skmire"] / np.median(grids))
        line = "".join(
            f"{last[name]['test_psnr']:9.2f}" if name in last else " " * 9 for name in METHODS
        )
        print(
            f"{signal:18}{line}  {lead:+6.2f}   {times['skmire']:6.0f} {grids[-1]:6.0f} "
            f"{grids[0]:6.0f}   {last['skmire']['sequence']}"
        )
    if leads:
        print(
            f"\nagainst the best tuned peer of each signal: {np.mean(leads):+.2f} dB on the mean, "
            f"{np.median(leads):+.2f} on the median, {min(leads):+.2f} at worst; ahead or within "
            f"0.5 dB on {sum(lead >= -0.5 for lead in leads)} of {len(leads)}, ahead on "
            f"{sum(lead > 0 for lead in leads)}; in {np.median(paces):.2f} of the time of one "
            f"peer's grid (median; at most {max(paces):.2f})"
        )
        for name in PEERS:
            own = [
                float(a["test_psnr"] - b["test_psnr"])
                for a in rows
                for b in rows
                if (a["network"], b["network"], a["signal"]) == ("skmire", name, b["signal"])
                and b["scale"].startswith("best")
            ]
            mean, worst = np.mean(own), min(own)
            print(f"against tuned {name:8} {mean:+.2f} dB on the mean, {worst:+.2f} at worst")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, default=Path("benchmarks/zero_tuning.csv"))
    parser.add_argument("--signals", nargs="+", default=list(CASES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", action="store_true", help="only print what the file holds")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    print(
        f"skmire {version('skmire')}, torch {torch.__version__}, numpy {np.__version__}, Python "
        f"{platform.python_version()}; {platform.machine()}, {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}; "
        f"{'with' if kernel('sinc', torch.zeros(1)) else 'without'} numba's kernels; seed "
        f"{options.seed}"
    )
    rows = figures(options.csv)
    if not options.report:
        done = {(row["signal"], row["network"]) for row in rows}
        for signal, (name, method) in product(options.signals, METHODS.items()):
            if (signal, name) in done:
                continue
            found = list(method(name, signal, CASES[signal](), options.seed))
            for row in found:
                shown = {k: round(v, 3) if isinstance(v, float) and k != "rate" else v
                         for k, v in row.items()}  # fmt: skip
                told = {"signal": signal, "network": name, "seed": options.seed, **shown}
                append(options.csv, COLUMNS, [told[column] for column in COLUMNS])
            print(signal, name, f"{found[-1]['test_psnr']:.2f} dB", flush=True)
        rows = figures(options.csv)
    report(rows)


if __name__ == "__main__":
    main()
