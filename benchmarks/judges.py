"""Who is to judge a search: samples held out alone, or those trained on as well.

Real signals (``small_signals.py``) in three kinds:

- *thinned*: every second cell of a grid along each axis is fitted, the others are the test;
- *noise*: all cells of a grid, with noise of a tenth or three tenths of their standard deviation;
  the test is the same cells without;
- *missing*: a fifth of the cells at random, or blocks of them, are the test (with noise in one).

``LayerSearch(selection=...)`` with "held_out" and with "both", which is four fifths of that loss
and a fifth of that on the samples trained on; all else by default. PSNR by the range of the values,
on the test and on the samples fitted. A row of the CSV is written as soon as it is measured; what
the file holds is not measured again.

    SKMIRE_DATA=... python benchmarks/judges.py [--csv benchmarks/judges.csv]
    python benchmarks/judges.py --report
"""

import argparse
import time
from pathlib import Path

import numpy as np
from real_signals import on_grid, recording
from records import fill, read, setting
from small_signals import CASES, Case, face, houses, ridge, sea_floor, text

from skmire import LayerSearch, MIREncoder
from skmire.search import single_thread

COLUMNS = (
    "kind", "signal", "selection", "seed", "test_psnr", "fitted_psnr", "seconds", "epochs",
    "sequence",
)  # fmt: skip
SELECTIONS = ("held_out", "both")
GRIDS = {
    "face": face,
    "houses": houses,
    "text": text,
    "ridge": lambda: ridge(3),
    "sea floor": sea_floor,
}


def thinned(name):
    """Return a grid of which every second cell along each axis is fitted."""
    values = GRIDS[name]()
    coords, flat = on_grid(values, 2)
    rows, columns = np.indices(values.shape[:2]).reshape(2, -1)
    fitted = (rows % 2 == 0) & (columns % 2 == 0)
    return Case(coords[fitted], flat[fitted], coords[~fitted], flat[~fitted])


def noisy(name, share):
    """Return a grid, or a recording, with noise; its test is itself without."""
    coords, values = recording(4_096) if name == "music" else on_grid(GRIDS[name](), 2)
    noise = share * values.std() * np.random.default_rng(0).standard_normal(values.shape)
    return Case(coords, values + noise, coords, values)


SIGNALS = {
    **{("thinned", name): lambda name=name: thinned(name) for name in GRIDS},
    **{
        ("noise", f"{name}, {share:g}"): lambda name=name, share=share: noisy(name, share)
        for name, share in (
            ("ridge", 0.3), ("houses", 0.3), ("face", 0.3), ("sea floor", 0.1), ("music", 0.1)
        )
    },
    **{
        ("missing", name): CASES[name]
        for name in ("ridge", "air temperature", "sea floor, gaps", "music, noise", "statue")
    },
}  # fmt: skip


def measured(kind, name, selection, seed):
    """Return the one row of a fit."""
    case = SIGNALS[kind, name]()
    y = case.y if case.y.shape[1] > 1 else case.y[:, 0]
    begun = time.process_time()
    with single_thread():
        encoder = MIREncoder(search=LayerSearch(selection=selection), random_state=seed)
        encoder.fit(case.x, y)
    test, fitted = case.quality(encoder), case.quality(encoder, (case.x, case.y))
    seconds, sequence = time.process_time() - begun, "-".join(encoder.activations_)
    return [[kind, name, selection, seed, test, fitted, seconds, encoder.n_iter_, sequence]]


def report(rows):
    found = {(r["kind"], r["signal"], r["selection"]): r for r in rows}
    print(f"{'PSNR in dB':30}{'held out':>18}{'both':>18}{'gained':>18}")
    print(f"{'':30}" + 3 * f"{'test':>9}{'fitted':>9}")
    for kind in ("thinned", "noise", "missing"):
        gains = []
        for name in [name for k, name in SIGNALS if k == kind]:
            pair = [found.get((kind, name, selection)) for selection in SELECTIONS]
            if None in pair:
                continue
            figures = np.array([[float(r[c]) for c in ("test_psnr", "fitted_psnr")] for r in pair])
            gains.append(figures[1] - figures[0])
            shown = "".join(f"{value:9.2f}" for value in [*figures.ravel(), *gains[-1]])
            print(f"{kind:10}{name:20}{shown}")
        if gains:
            test, fitted = np.transpose(gains)
            print(
                f"{kind:10}both gains {test.mean():+.2f} dB on the mean of the test, "
                f"{test.min():+.2f} at worst; {np.median(fitted):+.2f} on the samples (median)\n"
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--csv", type=Path, default=Path(__file__).with_suffix(".csv"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    print(f"{setting()}; seed {options.seed}\n")
    if not options.report:
        keys = [(*key, judge, options.seed) for key in SIGNALS for judge in SELECTIONS]
        fill(options.csv, COLUMNS, measured, keys)
    report([r for r in read(options.csv) if r["seed"] == str(options.seed)])


if __name__ == "__main__":
    main()
