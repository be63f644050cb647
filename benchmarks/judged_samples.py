"""On which samples a search had better judge: what the fit is worth, and how long it takes.

Signals of more samples than are judged on: photographs of the Kodak set averaged to 192 x 128, a
recording and an elevation model. A fifth of each is kept for the test. Networks of 128 units, 30
epochs, one seed. The search judges by samples held out, and on so many drawn from everywhere, or on
those of a window.

    SKMIRE_DATA=... python benchmarks/judged_samples.py [--signals photograph music]
"""

import argparse
import time

from real_signals import averaged, elevation, kodak, on_grid, photograph_small, recording
from records import setting
from small_signals import at_random

from skmire import MIREncoder
from skmire.search import _copies

SIGNALS = {
    "photograph": lambda: at_random(*on_grid(averaged(kodak("kodim09"), 4), 2)),
    "texture": lambda: at_random(*photograph_small()),
    "music": lambda: at_random(*recording(20_000)),
    "elevation": lambda: at_random(*elevation()),
}


WINDOWS, EVERYWHERE = (2_048, 4_096, 8_192), (4_096, 16_384)
WINDOW = _copies._window


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--signals", nargs="+", default=list(SIGNALS), choices=SIGNALS)
    options = parser.parse_args()
    print(f"{setting()}; seed 0\n")
    print(
        f"{'signal':11} {'samples':>8}  {'judged on':18} {'test, dB':>8} {'seconds':>8}  sequence"
    )
    for signal in options.signals:
        case = SIGNALS[signal]()
        for most in EVERYWHERE:
            _copies._window, _copies._MOST_SAMPLES = (lambda *_: None), most
            tell(signal, case, f"{most:6,} everywhere")
        for most in WINDOWS:
            _copies._window, _copies._WINDOW = WINDOW, most
            tell(signal, case, f"{most:6,} of a window")


def tell(signal, case, judged_on):
    """Fit, and print a line of what came of it."""
    begun = time.perf_counter()
    encoder = MIREncoder(hidden_width=128, max_epochs=30, random_state=0).fit(case.x, case.y)
    seconds = time.perf_counter() - begun
    print(
        f"{signal:11} {len(case.x):8,}  {judged_on:18} {case.quality(encoder):8.2f} "
        f"{seconds:8.1f}  {'-'.join(encoder.activations_)}",
        flush=True,
    )


if __name__ == "__main__":
    main()
