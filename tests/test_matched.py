"""The same defaults start right on signals of very different bandwidth."""

from functools import cache

import numpy as np
import pytest

from skmire import ActivationDictionary, FixedSequence, MIREncoder
from skmire.datasets import SIGNALS

#: A signal, how many samples in which box (``None``: its own), and the starts wrong for it.
CASES = {
    "sound": ("chirp", 5000, [(0.0, 40.0)], ["base", "unit"]),
    "image": ("ripples", 5000, [(-90.0, 90.0), (-60.0, 60.0)], ["unit"]),
    "surface": ("franke", 200, None, ["base"]),
    "volume": ("bumps", 600, None, ["base"]),
}
# Bells and wavelets are too few, at this width, for a hundred waves in a row.
ATOMS = {"sound": ["sinusoid", "finer"]}
EVERY_ATOM = ["sinusoid", "gaussian", "gabor", "sinc"]


@cache
def held_out_error(case, atom, init):
    """Return the share of the variance that a short fit leaves unexplained between its samples."""
    name, n, box, _ = CASES[case]
    signal = SIGNALS[name]
    low, high = np.transpose(box or list(zip(signal.low, signal.high, strict=True)))
    rng = np.random.default_rng(0)
    fitted, fresh = (rng.uniform(low, high, (m, len(low))) for m in (n, 500))
    model = MIREncoder(
        ActivationDictionary([atom], init=init),
        FixedSequence(atom, 2),
        hidden_width=64,
        max_epochs=60,
        random_state=0,
    ).fit(fitted, signal.values(fitted))
    return 1 - model.score(fresh, signal.values(fresh))


WRONG = [
    (case, atom, wrong)
    for case in CASES
    for atom in ATOMS.get(case, EVERY_ATOM)
    for wrong in CASES[case][-1]
]


@pytest.mark.parametrize(("case", "atom", "wrong"), WRONG)
def test_matched_scales_are_far_better_where_others_are_wrong(case, atom, wrong):
    assert held_out_error(case, atom, "matched") < 0.5 * held_out_error(case, atom, wrong)


@pytest.mark.parametrize(("case", "atom"), dict.fromkeys((c, a) for c, a, _ in WRONG))
def test_matched_scales_explain_every_signal(case, atom):
    assert held_out_error(case, atom, "matched") < 0.1
