"""What averaging the weights over the last epochs is worth, and how far the step size should fall.

Real signals (``small_signals.py``), networks of one atom in three layers at matched scales, two
budgets of epochs, one seed, one thread. Each is trained with the step size falling to a tenth,
to three tenths and not at all, with the weights of the last step and with those averaged. Printed
is by how many dB the test is better than with the last step's weights and a fall to a tenth: mean,
median and worst over signals and atoms.

    SKMIRE_DATA=... python benchmarks/averaging.py [--csv benchmarks/averaging.csv]
    python benchmarks/averaging.py --report
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
from records import append, read, setting
from small_signals import CASES

from skmire import FixedSequence, MIREncoder, Trainer
from skmire.search import single_thread

SIGNALS = ("face", "houses, noise", "music", "ridge, scattered", "sea floor, gaps",
           "air temperature", "sea temperature", "statue")  # fmt: skip
ATOMS = ("sinusoid", "finer", "sinc", "gabor")
EPOCHS, DECAYS = (15, 60), (0.1, 0.3, 1.0)
COLUMNS = ("signal", "atom", "epochs", "decay", "average", "test_psnr", "fitted_psnr")
REFERENCE = ("0.1", "False")


def report(rows):
    """Print the gains over the reference."""
    found = {tuple(row[name] for name in COLUMNS[:5]): float(row["test_psnr"]) for row in rows}
    print("epochs  falls to  averaged      mean  median   worst    best, dB of the test")
    for epochs, decay, average in product(EPOCHS, DECAYS, (False, True)):
        gains = [
            found[signal, atom, str(epochs), str(decay), str(average)] - reference
            for (signal, atom, *how), reference in found.items()
            if tuple(how) == (str(epochs), *REFERENCE)
            and (signal, atom, str(epochs), str(decay), str(average)) in found
        ]
        if gains:
            print(
                f"{epochs:6}  {decay:8}  {average!s:8}  {np.mean(gains):+8.2f}  "
                f"{np.median(gains):+6.2f}  {min(gains):+6.2f}  {max(gains):+6.2f}"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, default=Path("benchmarks/averaging.csv"))
    parser.add_argument("--signals", nargs="+", default=list(SIGNALS))
    parser.add_argument("--report", action="store_true", help="only print what the file holds")
    options = parser.parse_args()
    print(f"{setting()}; seed 0\n")
    rows = read(options.csv)
    done = {tuple(row[name] for name in COLUMNS[:5]) for row in rows}
    cells = product(options.signals, ATOMS, EPOCHS, DECAYS, (False, True))
    for signal, atom, epochs, decay, average in () if options.report else cells:
        key = (signal, atom, str(epochs), str(decay), str(average))
        if key in done:
            continue
        case = CASES[signal]()
        trainer = Trainer(decay=decay, average=average)
        encoder = MIREncoder(
            search=FixedSequence(atom), trainer=trainer, max_epochs=epochs, random_state=0
        )
        with single_thread():
            encoder.fit(case.x, case.y)
        fitted = case.quality(encoder, (case.x, case.y))
        row = (*key, f"{case.quality(encoder):.3f}", f"{fitted:.3f}")
        append(options.csv, COLUMNS, row)
        rows.append(dict(zip(COLUMNS, row, strict=True)))
    report(rows)


if __name__ == "__main__":
    main()
