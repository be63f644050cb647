"""What further batches make of a fit, by the step size that they are trained with.

Streams of batches through ``partial_fit``: of the same signal at random places, of few and of many
samples, once and again and again, and one batch region by region after a first that spans the
domain. Printed is the error on the signal without noise, in decibels of its power, after the first
batch and the mean after the last three, by the share that ``partial_fit`` takes of the rate before
it cools down (`skmire.training._run._STREAM`); and of one fit to all samples.

    python benchmarks/streams.py
"""

import statistics

import numpy as np
from records import setting

from skmire import FixedSequence, MIREncoder
from skmire.search import single_thread
from skmire.training import _run

SHARES = (1.0, 0.3, 0.1, 0.03, 0.0)
SEEDS = (0, 1)


def tones(x):
    return np.sin(2 * x[:, 0]) + 0.3 * np.sin(9 * x[:, 0])


def waves(x):
    return np.sin(4 * x[:, 0]) * np.cos(6 * x[:, 1]) + 0.3 * np.sin(15 * x[:, 0] + 9 * x[:, 1])


#: Signal, lowest and highest coordinates, samples, noise, samples a batch, passes, and whether
#: batches after the first are regions.
STREAMS = {
    "tones, 4 x 1000": (tones, 0, 10, 4_000, 0.02, 1_000, 1, False),
    "tones, 20 x 200": (tones, 0, 10, 4_000, 0.02, 200, 1, False),
    "tones, 40 x 100": (tones, 0, 10, 4_000, 0.02, 100, 1, False),
    "tones, 5 times 20 x 200": (tones, 0, 10, 4_000, 0.02, 200, 5, False),
    "waves, 6 x 1000": (waves, -1, 1, 6_000, 0.0, 1_000, 1, False),
    "waves, 40 x 150": (waves, -1, 1, 6_000, 0.0, 150, 1, False),
    "waves, regions of 1000": (waves, -1, 1, 6_000, 0.0, 1_000, 1, True),
}


def encoder(signal, seed):
    atom, width = ("sinusoid", 32) if signal is tones else ("gaussian", 64)
    return MIREncoder(
        search=FixedSequence(atom), hidden_width=width, max_epochs=30, random_state=seed
    )


def errors(stream, share, seed):
    """Return the errors after every batch, or of one fit to all samples where share is None."""
    signal, low, high, n, noise, size, passes, by_region = STREAMS[stream]
    rng = np.random.default_rng(seed)
    x, places = (rng.uniform(low, high, (k, 1 if signal is tones else 2)) for k in (n, 2_000))
    y, truth = signal(x) + noise * rng.standard_normal(n), signal(places)

    def error():
        return 10 * np.log10(np.mean((fit.predict(places) - truth) ** 2) / truth.var())

    fit = encoder(signal, seed)
    if share is None:
        fit.fit(x, y)
        return [error()]
    order = np.arange(n)
    if by_region:
        order[size:] = size + np.argsort(x[size:, 0])
    _run._STREAM = share
    found = []
    for start in (*range(0, n, size),) * passes:
        rows = order[start : start + size]
        fit.partial_fit(x[rows], y[rows])
        found.append(error())
    return found


def main():
    print(f"{setting()}; seeds {SEEDS}\n")
    print(f"{'':26}{'first':>8}" + "".join(f"{share:8}" for share in SHARES) + f"{'all':>8}")
    with single_thread():
        for stream in STREAMS:
            found = {s: [errors(stream, s, seed) for seed in SEEDS] for s in (*SHARES, None)}
            first = statistics.mean(run[0] for run in found[SHARES[0]])
            last = [np.mean([run[-3:] for run in found[s]]) for s in (*SHARES, None)]
            print(f"{stream:26}" + "".join(f"{dB:8.1f}" for dB in (first, *last)), flush=True)


if __name__ == "__main__":
    main()
