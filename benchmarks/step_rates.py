"""What the steps of weights between hidden layers are worth: atoms' rates, and the width.

Real signals (``small_signals.py``), networks of one atom in three layers of 64 and of 256 units, 60
epochs, one seed, at matched scales. Weights between hidden layers take steps of the learning rate
times the atom's rate times 256 over the width. Printed is what is gained by others, in dB on the
test and on the samples fitted: mean and worst over the signals. At 64 units a quarter of the steps
is what there would be without regard to the width.

    SKMIRE_DATA=... python benchmarks/step_rates.py [--csv benchmarks/step_rates.csv]
    python benchmarks/step_rates.py --report
"""

from itertools import product

import numpy as np
from matched_scales import One
from records import fill_and_report
from small_signals import CASES

from skmire import MIREncoder
from skmire.atoms import ActivationDictionary
from skmire.search import single_thread

SIGNALS = ("face", "houses, noise", "text", "music")
WIDTHS = (64, 256)
RATES = (0.25, 0.5, 1.0, 2.0, 4.0)
COLUMNS = ("signal", "atom", "width", "rate", "test_psnr", "fitted_psnr")


def measured(signal, atom, width, rate):
    case = CASES[signal]()
    encoder = MIREncoder(
        ActivationDictionary([atom]), One(rate=rate), hidden_width=width, max_epochs=60,
        random_state=0,
    )  # fmt: skip
    with single_thread():
        encoder.fit(case.x, case.y)
    qualities = case.quality(encoder), case.quality(encoder, (case.x, case.y))
    return [[signal, atom, width, rate, *(round(quality, 3) for quality in qualities)]]


def report(rows):
    by = {(r["signal"], r["atom"], int(r["width"]), float(r["rate"])): r for r in rows}
    others = [rate for rate in RATES if rate != 1]
    for column in ("test_psnr", "fitted_psnr"):
        print(f"\n{column}: dB gained by other steps, mean (worst) over the signals\n")
        print(" " * 25 + "".join(f"{f'x {rate:g}':>16}" for rate in others))
        for width, atom in product(WIDTHS, dict.fromkeys(r["atom"] for r in rows)):
            line = ""
            for rate in others:
                gains = [
                    float(by[s, atom, width, rate][column]) - float(by[s, atom, width, 1.0][column])
                    for s in SIGNALS
                ]
                line += f"{np.mean(gains):+8.2f} ({min(gains):+5.1f})"
            print(f"{width:4} {atom:20}{line}")


if __name__ == "__main__":
    cells = product(SIGNALS, ActivationDictionary().names, WIDTHS, RATES)
    fill_and_report(__doc__, "step_rates", COLUMNS, measured, cells, report)
