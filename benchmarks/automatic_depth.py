"""What ``n_layers="auto"`` chooses and is worth, beside the three layers of the default.

Real signals (``small_signals.py``), 128 units, 30 epochs, one thread. PSNR on the test, by the
range of the values; processor seconds of a whole fit.

    SKMIRE_DATA=... python benchmarks/automatic_depth.py
"""

import argparse
import time

import numpy as np
from records import setting
from small_signals import CASES

from skmire import LayerSearch, MIREncoder
from skmire.search import single_thread

SIGNALS = (
    "face", "houses, noise", "text", "music", "ridge", "sea temperature", "air temperature",
    "statue",
)  # fmt: skip
WIDTH, EPOCHS = 128, 30


def fitted(n_layers, case, seed):
    """Return the test PSNR, the number of layers, the seconds and the sequence."""
    encoder = MIREncoder(
        search=LayerSearch(n_layers), hidden_width=WIDTH, max_epochs=EPOCHS, random_state=seed
    )
    begun = time.process_time()
    with single_thread():
        encoder.fit(case.x, case.y)
    seconds = time.process_time() - begun
    return case.quality(encoder), len(encoder.activations_), seconds, "-".join(encoder.activations_)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--signals", nargs="+", default=list(SIGNALS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    options = parser.parse_args()
    print(f"{setting()}; seeds {', '.join(map(str, options.seeds))}")
    print(f"{'signal':16} seed  three, dB  s    auto, dB  s   layers  sequence")
    gains, costs = [], []
    for signal in options.signals:
        case = CASES[signal]()
        for seed in options.seeds:
            three, _, pace, _ = fitted(3, case, seed)
            auto, depth, seconds, sequence = fitted("auto", case, seed)
            gains.append(auto - three)
            costs.append(seconds / pace)
            print(
                f"{signal:16} {seed:4}    {three:5.2f} {pace:5.0f}      {auto:5.2f} {seconds:3.0f} "
                f"{depth:6}    {sequence}",
                flush=True,
            )
    print(
        f"auto less three: {np.mean(gains):+.2f} dB on the mean, {np.median(gains):+.2f} on the "
        f"median, {min(gains):+.2f} at worst; in {np.median(costs):.1f} times the seconds (median)"
    )


if __name__ == "__main__":
    main()
