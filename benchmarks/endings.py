"""How a training should end: what averages, the fall of the step size and the refit are worth.

Real signals (``small_signals.py``), networks of one atom in three layers at matched scales, three
budgets of epochs, one seed. Each is trained by the trainer's defaults, with one of them changed,
and with nothing but a step size that falls to a tenth. Printed is by how many dB the samples
between (test) and those fitted are better than with that: mean, median and worst over signals and
atoms.

    SKMIRE_DATA=... python benchmarks/endings.py [--csv benchmarks/endings.csv]
    python benchmarks/endings.py --report
"""

from itertools import product

import numpy as np
from records import fill_and_report
from small_signals import CASES

from skmire import FixedSequence, MIREncoder, Trainer
from skmire.search import single_thread

SIGNALS = ("face", "houses, noise", "music", "ridge, scattered", "sea floor, gaps",
           "air temperature", "sea temperature", "statue")  # fmt: skip
ATOMS = ("sinusoid", "gabor", "sinc")
EPOCHS = (15, 60, 200)
REFERENCE = "falls to 0.1, nothing else"
ENDINGS = {
    REFERENCE: {"decay": 0.1, "cooldown": 0.0, "polish": False},
    "defaults": {},
    "no cool-down": {"cooldown": 0.0},
    "last layer left as trained": {"polish": False},
    "falls to 0.1": {"decay": 0.1},
    "averaged": {"average": True},
    "averaged, no cool-down": {"average": True, "cooldown": 0.0},
    "averaged, cool-down of 0.3": {"average": True, "cooldown": 0.3},
    "averaged, layer as trained": {"average": True, "polish": False},
    "averaged, falls to 0.1": {"average": True, "decay": 0.1},
    "averaged, does not fall": {"average": True, "decay": 1.0},
}
COLUMNS = ("epochs", "signal", "atom", "ending", "test_psnr", "fitted_psnr")


def measured(epochs, signal, atom, ending):
    """Return the row of one training."""
    case = CASES[signal]()
    encoder = MIREncoder(
        search=FixedSequence(atom),
        trainer=Trainer(**ENDINGS[ending]),
        max_epochs=epochs,
        random_state=0,
    )
    with single_thread():
        encoder.fit(case.x, case.y)
    figures = (case.quality(encoder), case.quality(encoder, (case.x, case.y)))
    return [(epochs, signal, atom, ending, *(f"{figure:.3f}" for figure in figures))]


def report(rows):
    """Print the gains over the reference."""
    found = {
        (int(row["epochs"]), row["signal"], row["atom"], row["ending"]): np.array(
            [float(row["test_psnr"]), float(row["fitted_psnr"])]
        )
        for row in rows
    }
    print(f"\n{'dB; mean, median (worst, best)':40}{'test':28} fitted")
    for epochs, ending in product(EPOCHS, ENDINGS):
        gains = [
            figures - found[epochs, signal, atom, REFERENCE]
            for (n, signal, atom, how), figures in found.items()
            if (n, how) == (epochs, ending) and (epochs, signal, atom, REFERENCE) in found
        ]
        if not gains or ending == REFERENCE:
            continue
        columns = (
            f"{np.mean(part):+5.2f} {np.median(part):+5.2f} ({min(part):+5.2f}, {max(part):+5.2f})"
            for part in zip(*gains, strict=True)
        )
        print(f"{epochs:3} epochs, {ending:27}", *columns)


if __name__ == "__main__":
    fill_and_report(
        __doc__, "endings", COLUMNS, measured, product(EPOCHS, SIGNALS, ATOMS, ENDINGS), report
    )
