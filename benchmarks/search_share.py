"""Which share of a whole fit its search takes: all but the training of the network returned.

``MIREncoder(random_state=0)`` on samples drawn from a photograph and from a statue's inside and
outside. The share does not depend on the epochs, which are fewer for the largest.

    SKMIRE_DATA=... python benchmarks/search_share.py
"""

import time

import numpy as np
from real_signals import kodak, occupancy, on_grid
from records import setting

from skmire import MIREncoder

SIGNALS = {
    "photograph": lambda: on_grid(kodak("kodim23"), 2),
    "statue": lambda: occupancy(0, 3),
}


def main():
    print(f"{setting()}; seed 0")
    print("signal         samples  epochs   fit, s  search, s  share  sequence")
    for signal, n, epochs in (
        ("photograph", 10**4, 60),
        ("photograph", 10**5, 24),
        ("statue", 10**6, 6),
    ):
        coords, values = SIGNALS[signal]()
        rows = np.random.default_rng(0).permutation(len(coords))[:n]
        encoder = MIREncoder(max_epochs=epochs, random_state=0)
        begun = time.perf_counter()
        encoder.fit(coords[rows], values[rows])
        whole = time.perf_counter() - begun
        searching = whole - encoder.search_result_.path[-1].training.seconds
        print(
            f"{signal:12} {n:9,} {epochs:7} {whole:8.1f} {searching:10.1f}  "
            f"{searching / whole:5.2f}  {'-'.join(encoder.activations_)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
