"""An atom in use: carried elsewhere, exported, trained."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.base import clone

from skmire.atoms import Atom
from skmire.encoders import MIREncoder
from skmire.search import FixedSequence
from skmire.testing._places import anywhere
from skmire.testing._promise import expect, promise
from skmire.training import Trainer

_X = np.linspace(-1, 1, 64)[:, None]
_Y = np.sin(3 * _X[:, 0])


def _encoder(atom: Atom, epochs: int) -> MIREncoder:
    """Return an encoder of `atom` alone, small and in double precision."""
    return MIREncoder(
        [atom],
        FixedSequence(atom, 2),
        Trainer(learning_rate=1e-2),
        hidden_width=64,
        max_epochs=epochs,
        device="cpu",
        dtype="float64",
        random_state=0,
    )


@promise(
    "An atom, alone and in a fitted encoder, is the same after copy.deepcopy, pickle and joblib.",
    "Define its class, and every function it holds, at the top of a module that can be imported: "
    "a lambda, or a class made inside a function, cannot be saved.",
)
def check_round_trips(atom: Atom) -> None:
    moved = copy.deepcopy(atom)
    with torch.no_grad():
        for p in moved.parameters():
            p.add_(0.0123)
    z = anywhere(atom)
    for name, carry in _CARRIERS.items():
        back = carry(moved)
        expect(
            (type(back), back.name, back.start, back.values())
            == (type(moved), moved.name, moved.start, moved.values()),
            f"{name} makes {back.name!r} with {back.values()} of {moved.name!r} with "
            f"{moved.values()}",
        )
        expect(torch.equal(back(z.clone()), moved(z.clone())), f"{name} changes its values")
    fitted = _encoder(atom, epochs=2).fit(_X, _Y)
    before, after = fitted.predict(_X), _through_joblib(fitted).predict(_X)
    expect(np.array_equal(before, after), "joblib changes the predictions of an encoder with it")


def _through_joblib(thing: Any) -> Any:
    file = io.BytesIO()
    joblib.dump(thing, file)
    file.seek(0)
    return joblib.load(file)


_CARRIERS: dict[str, Callable[[Atom], Atom]] = {
    "copy.deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "joblib": _through_joblib,
}


@promise(
    "torch.export takes an atom, for any number of inputs, and gives the same values.",
    "Use plain torch operations: no `if` on values or sizes, no numpy.",
)
def check_export(atom: Atom) -> None:
    z = anywhere(atom)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
        exported = torch.export.export(
            copy.deepcopy(atom), (z[:10].clone(),), dynamic_shapes=({0: torch.export.Dim("n")},)
        ).module()
    for n in (2, len(z)):
        wanted = atom(z[:n].clone())
        off = (exported(z[:n].clone()) - wanted).abs().max().item()
        expect(off <= 1e-12 * wanted.abs().max().item(), f"of {n} inputs it is off by {off:.2g}")


@promise(
    "An encoder of two layers of an atom learns a sine: it explains half of it at least, and its "
    "predictions and gradients are finite.",
    "Look at `matched_scales`, where its scale starts: an atom that varies too little or too much "
    "between neighbouring samples, or whose values grow without bound, does not learn.",
)
def check_trains(atom: Atom) -> None:
    encoder = clone(_encoder(atom, epochs=60))  # as GridSearchCV does
    expect(bool(repr(encoder)), "its encoder has no repr")
    encoder.fit(_X, _Y)
    first, least = encoder.loss_curve_[0], min(encoder.loss_curve_)
    expect(least < first, f"the loss never fell below its first, {first:.3g}")
    score = encoder.score(_X, _Y)
    expect(score >= 0.5, f"after 60 epochs R2 is {score:.3g}")
    for name, values in (("predictions", encoder.predict(_X)), ("gradient", encoder.gradient(_X))):
        expect(bool(np.isfinite(values).all()), f"the {name} of its encoder are not finite")


CHECKS = (check_round_trips, check_export, check_trains)
