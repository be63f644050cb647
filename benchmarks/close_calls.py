"""What it would be worth to judge close finalists again, with another seed.

Real signals (``small_signals.py``), ``LayerSearch()``, 128 units, 30 epochs, one thread. The
finalists of each search are judged by the samples held out with the seed of the search and with
another; each is then trained on all samples, with the seed of the search, and tested. Printed: the
spread of a loss between the seeds, and for calls that count as close within so many dB, what comes
of letting the mean of the two losses decide: how many choices change, by how much the test PSNR of
the choice is better, and how many whole trainings that costs a search.

    SKMIRE_DATA=... python benchmarks/close_calls.py
"""

import argparse
from unittest.mock import patch

import numpy as np
from records import setting
from small_signals import CASES

from skmire import LayerSearch, MIREncoder
from skmire._random import derive_seed
from skmire.search import single_thread
from skmire.search._contest import CHEAP, Contest, Effort

SIGNALS = ("face", "houses, noise", "music", "ridge", "sea temperature", "text")
WIDTH, EPOCHS = 128, 30
CLOSE = (0.25, 0.5, 1.0, 2.0)  # dB


def judged(signal, seed):
    """Return losses in dB, (finalists, seeds), cheap ones and in full; the test PSNR of each."""
    case, losses, networks = CASES[signal](), {}, []

    def decide(contest, finalists):
        listed = list({entry.name: entry for entry in finalists}.values())
        own = contest.seed
        for effort in (CHEAP["held_out"], Effort()):
            for contest.seed in (own, derive_seed(own, "again")):
                found = {s.entry.name: s.loss for s in contest.round("again", listed, effort)}
                losses.setdefault(effort, []).append([found[entry.name] for entry in listed])
        contest.seed, contest.judged = own, contest.problem
        for entry in listed:
            standing = contest.round("fit", [entry], Effort())
            networks.append(contest._leader[1])
        return contest.fit(standing)

    encoder = MIREncoder(
        search=LayerSearch(), hidden_width=WIDTH, max_epochs=EPOCHS, random_state=seed
    )
    with single_thread(), patch.object(Contest, "decide", decide):
        encoder.fit(case.x, case.y)
    tests = []
    for encoder.network_ in networks:
        tests.append(case.quality(encoder))
    cheap, full = (10 * np.log10(np.transpose(found)) for found in losses.values())
    return cheap, full, np.array(tests)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--signals", nargs="+", default=list(SIGNALS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options = parser.parse_args()
    print(f"{setting()}; seeds {', '.join(map(str, options.seeds))}")
    found = []
    for signal in options.signals:
        for seed in options.seeds:
            found.append(judged(signal, seed))
            _, full, tests = found[-1]
            print(
                f"{signal:16} {seed}  losses {np.round(full, 2).tolist()}, tested "
                f"{np.round(tests, 2).tolist()}",
                flush=True,
            )
    for name, at in (("a sixth of the epochs", 0), ("all epochs", 1)):
        apart = np.concatenate([abs(np.diff(row[at], axis=1)) for row in found])
        print(f"{name}: seeds {np.median(apart):.2f} dB apart, at most {apart.max():.2f}")
    print("\nclose within  choices changed  mean gain  worst  best, dB  trainings")
    for close in CLOSE:
        gains, cost = [], 0
        for _, full, tests in found:
            near = np.flatnonzero(full[:, 0] <= full[:, 0].min() + close)
            cost += len(near) if len(near) > 1 else 0
            mean = np.mean(10 ** (full[near] / 10), axis=1)
            gains.append(tests[near[mean.argmin()]] - tests[full[:, 0].argmin()])
        print(
            f"{close:9.2f} dB  {np.count_nonzero(gains):6} of {len(gains)}      "
            f"{np.mean(gains):+9.3f}  {min(gains):+5.2f}  {max(gains):+8.2f}  "
            f"{cost / len(found):9.1f}"
        )


if __name__ == "__main__":
    main()
