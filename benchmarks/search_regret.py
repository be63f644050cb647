"""How far from the best sequence of all a search ends, and what it costs.

Real signals (``small_signals.py``), the paper's seven atoms at matched scales, three layers of 128
units, 30 epochs. The oracle trains all 343 sequences and ranks them by the test, which no search
sees. Its best ten, and what each search chose (at the scales, the rate and the epochs it chose, and
with all axes alike if it did), are trained again with three fresh seeds; the regret is by how many
dB the mean of the choice stays below that of the best of the ten. A search that tries scales can
have less than none. The cost is the arithmetic of all its trainings but that of the fit, as a share
of the oracle's.

    SKMIRE_DATA=... python benchmarks/search_regret.py [--csv benchmarks/search_regret.csv]
    python benchmarks/search_regret.py --report
"""

import argparse
import statistics
from itertools import product
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from records import append, read, setting
from small_signals import CASES

from skmire import FixedSequence, LayerSearch, MIREncoder
from skmire.atoms import ActivationDictionary, make_atom
from skmire.search import BeamSearch, HalvingSearch, single_thread

SIGNALS = ("face", "music", "ridge", "sea temperature", "houses, noise")
WIDTH, EPOCHS, FRESH = 128, 30, (1, 2, 3)
ATOMS = ActivationDictionary.paper().names
SEARCHES = {
    "LayerSearch()": LayerSearch(),
    'LayerSearch(mode="growth")': LayerSearch(mode="growth"),
    "BeamSearch()": BeamSearch(),
    "HalvingSearch()": HalvingSearch(),
}
COLUMNS = (
    "signal", "what", "sequence", "scales", "rate", "epochs", "even", "seed", "cost", "test_psnr"
)  # fmt: skip
PLAIN = "", "1", str(EPOCHS), ""  # scales, rate, epochs and even of the oracle's


class Again(FixedSequence):
    """A sequence whose first weights may start alike along all axes."""

    def __init__(self, atoms, *, even):
        super().__init__(atoms)
        self.even = even

    def search(self, problem, trainer):
        return super().search(problem.even() if self.even else problem, trainer)


def encoder(search, seed, epochs=EPOCHS):
    return MIREncoder(
        ActivationDictionary.paper(),
        search,
        hidden_width=WIDTH,
        max_epochs=epochs,
        random_state=seed,
    )


def tested(encoder, case):
    """Fit on the samples; return the PSNR of the test and the encoder."""
    with single_thread():
        encoder.fit(case.x, case.y)
    return case.quality(encoder), encoder


def chosen_so(sequence, scales, rate, even):
    """Return a search that trains one sequence, from these scales if there are any."""
    atoms = [make_atom(name) for name in sequence.split("-")]
    if scales:
        starts = map(float, scales.split())
        atoms = [a.fresh(a.at_scale(s)).configured() for a, s in zip(atoms, starts, strict=True)]
    for atom in atoms:
        atom.step_rate *= float(rate)
    return Again(atoms, even=bool(even))


def searched(signal, name):
    """Return the row of a search: what it chose and what it cost."""
    case = CASES[signal]()
    quality, fitted = tested(encoder(SEARCHES[name], 0), case)
    table, won = fitted.search_results_, fitted.search_result_.path[-1]
    work = table["epochs"] * table["n_samples"] * table["hidden_width"] ** 2.0
    cost = work[table["stage"] != "fit"].sum() / (343 * EPOCHS * len(case.x) * WIDTH**2)
    if won.factors:
        scales = " ".join(f"{scale:.4g}" for scale in won.scales)
        even = "" if np.ptp(won.stretch) else "even"
        chosen = scales, won.factors[2], won.planned, even
    else:  # a growth goes on from parameters found; its choice is trained again from matched scales
        chosen = PLAIN
    sequence = "-".join(fitted.activations_)
    return (signal, name, sequence, *map(str, chosen), 0, f"{cost:.5f}", f"{quality:.3f}")


def again(signal, what, sequence, scales, rate, epochs, even, seed):
    """Return the row of a training with another seed."""
    search = chosen_so(sequence, scales, rate, even)
    quality, _ = tested(encoder(search, seed, int(epochs)), CASES[signal]())
    return signal, what, sequence, scales, rate, epochs, even, seed, "", f"{quality:.3f}"


def best_ten(rows, signal):
    found = [r for r in rows if (r["signal"], r["what"], r["seed"]) == (signal, "oracle", "0")]
    return sorted(found, key=lambda row: -float(row["test_psnr"]))[:10]


def run(path, signals, n_jobs):
    """Measure what the file does not hold yet, a batch at a time."""

    def measure(jobs):
        rows = read(path)
        done = {(r["signal"], r["what"], r["sequence"], r["seed"]) for r in rows}
        jobs = [job for job in jobs if (*job[:3], str(job[-1])) not in done]
        results = Parallel(n_jobs, return_as="generator_unordered")(
            delayed(again)(*job) for job in jobs
        )
        for row in results:
            append(path, COLUMNS, row)

    for signal in signals:
        sequences = ["-".join(atoms) for atoms in product(ATOMS, repeat=3)]
        measure([(signal, "oracle", sequence, *PLAIN, 0) for sequence in sequences])
        done = {(row["signal"], row["what"]) for row in read(path)}
        for name in SEARCHES:
            if (signal, name) not in done:
                append(path, COLUMNS, searched(signal, name))
        rows = read(path)
        found = [r for r in rows if r["signal"] == signal and r["seed"] == "0"]
        choices = [r for r in found if r["what"] in SEARCHES]
        measure(
            [
                (*(row[name] for name in COLUMNS[:7]), seed)
                for row in [*best_ten(rows, signal), *choices]
                for seed in FRESH
            ]
        )


def report(rows):
    """Print the regret and the cost of each search."""

    def fresh(signal, what, sequence):
        found = [
            float(row["test_psnr"])
            for row in rows
            if (row["signal"], row["what"], row["sequence"]) == (signal, what, sequence)
            and row["seed"] != "0"
        ]
        return statistics.mean(found) if found else float("nan")

    regrets, costs = {}, {}
    for signal in dict.fromkeys(row["signal"] for row in rows):
        ten = {
            row["sequence"]: fresh(signal, "oracle", row["sequence"])
            for row in best_ten(rows, signal)
        }
        best = max(ten, key=ten.get)
        singles = [fresh(signal, "oracle", s) for s in ten if len(set(s.split("-"))) == 1]
        single = f"has {max(singles):.2f} dB" if singles else "is not among the best ten"
        print(f"\n{signal}: best is {best}, {ten[best]:.2f} dB; the best single atom {single}")
        for row in rows:
            if row["signal"] == signal and row["what"] in SEARCHES and row["seed"] == "0":
                regret = ten[best] - fresh(signal, row["what"], row["sequence"])
                regrets.setdefault(row["what"], []).append(regret)
                costs.setdefault(row["what"], []).append(float(row["cost"]))
                print(f"  {row['what']:32} {regret:+6.2f} dB at {100 * float(row['cost']):5.2f} %  "
                      f"{row['sequence']}")  # fmt: skip
    print(f"\n{'regret in dB, cost in % of all 343':34} median   worst    cost")
    for name, found in regrets.items():
        cost = 100 * statistics.median(costs[name])
        print(f"{name:34} {statistics.median(found):+6.2f}  {max(found):+6.2f}  {cost:6.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, default=Path("benchmarks/search_regret.csv"))
    parser.add_argument("--signals", nargs="+", default=list(SIGNALS))
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--report", action="store_true", help="only print what the file holds")
    options = parser.parse_args()
    print(
        f"{setting()}; searches and oracle with seed 0, again with {FRESH}; width {WIDTH}, "
        f"{EPOCHS} epochs"
    )
    if not options.report:
        run(options.csv, options.signals, options.n_jobs)
    report(read(options.csv))


if __name__ == "__main__":
    main()
