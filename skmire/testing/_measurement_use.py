"""A measurement in use: as an estimator, in a sweep, and in an encoder."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import torch
from sklearn.base import clone

from skmire.encoders import MIREncoder
from skmire.measurements import Measurement, sweep_through
from skmire.search import FixedSequence
from skmire.testing._measurement_setting import as_rows, measured, network, readout
from skmire.testing._promise import expect, promise
from skmire.training import Trainer

_STEP = 1e-5
_CLOSE = 1e-4  # of the directional derivative, by a central difference


@promise(
    "A measurement is a Measurement whose constructor stores its parameters, unchanged and under "
    "their names, so that clone, get_params, set_params, repr and pickle carry it.",
    "Derive from Measurement; in __init__ write self.name = name for each parameter, and nothing "
    "else: check values in domain().",
)
def check_estimator(measurement: Any, X: Any, n_columns: int = 1) -> None:
    expect(
        isinstance(measurement, Measurement),
        f"it derives from {[k.__name__ for k in type(measurement).__mro__[1:]]}",
    )
    given = measurement.get_params(deep=False)
    copies = ("clone", clone(measurement)), ("pickle", pickle.loads(pickle.dumps(measurement)))
    for how, copied in copies:
        expect(repr(copied) == repr(measurement), f"{how} makes {copied!r} of {measurement!r}")
    extra = sorted(set(vars(measurement)) - set(given))
    expect(not extra, f"it holds {', '.join(extra)}, which are no parameters")


@promise(
    "What is measured can be derived by the field's parameters, through the sweep that trains; "
    "differentiates says whether it asks the field for derivatives.",
    "Write measure in operations of torch, without detach, item or numpy on the way from the "
    "field's values; set differentiates = True if it calls torch.autograd.grad, with "
    "create_graph=True.",
)
def check_gradients(measurement: Measurement, X: Any, n_columns: int = 1) -> None:
    rows = as_rows(X)
    read = readout(measurement, rows, n_columns)
    inner = network(read.domain, read.n_outputs)
    sweep, inputs = sweep_through(inner, read), torch.tensor(rows)
    generator = torch.Generator().manual_seed(1)
    pull = torch.randn(len(rows), n_columns, generator=generator, dtype=torch.float64)
    sweep(inputs, lambda values, at: pull[at])
    parameters = list(inner.parameters())
    along = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in parameters]
    slope = sum(float((p.grad * d).sum()) for p, d in zip(parameters, along, strict=True)
                if p.grad is not None)  # fmt: skip
    ends = []
    for sign in (1.0, -1.0):
        with torch.no_grad():
            for parameter, direction in zip(parameters, along, strict=True):
                parameter.add_(direction, alpha=sign * _STEP)
        ends.append(float((sweep.values(inputs) * pull).sum()))
        with torch.no_grad():
            for parameter, direction in zip(parameters, along, strict=True):
                parameter.sub_(direction, alpha=sign * _STEP)
    wanted = (ends[0] - ends[1]) / (2 * _STEP)
    expect(
        abs(slope - wanted) <= _CLOSE * max(abs(wanted), 1.0),
        f"along a direction the gradient is {slope:.6g}, and {wanted:.6g} by differences",
    )


@promise(
    "What is held out together is said row by row: numbers of shape (n_samples, n_keys).",
    "Return X, or the columns of it that samples must have alike to be held out together.",
)
def check_held_out_together(measurement: Measurement, X: Any, n_columns: int = 1) -> None:
    rows = as_rows(X)
    keys: Any = measurement.held_out_together(torch.tensor(rows))
    fits = isinstance(keys, torch.Tensor) and keys.ndim == 2 and len(keys) == len(rows)
    expect(fits, f"it returns {type(keys).__name__} of shape {tuple(np.shape(keys))}")


@promise(
    "A measurement serves in an encoder: fit, predict, field_at, weights and further training, and "
    "the same predictions after clone and pickle; training lowers the loss to a half.",
    "See that y is what measure can give, and that its gradients reach the field.",
)
def check_in_an_encoder(measurement: Measurement, X: Any, n_columns: int = 1) -> None:
    rows = as_rows(X)
    y = measured(measurement, rows, n_columns).numpy()
    encoder = MIREncoder(
        search=FixedSequence("sinusoid", n_layers=2),
        trainer=Trainer(learning_rate=0.01),
        measurement=measurement,
        hidden_width=12,
        max_epochs=40,
        device="cpu",
        random_state=0,
    )
    fitted = clone(encoder).fit(rows, y)
    wanted = fitted.predict(rows)
    expect(wanted.shape == y.shape, f"y has shape {y.shape}, and predictions {wanted.shape}")
    expect(bool(np.isfinite(wanted).all()), "predictions are not finite")
    off, size = np.mean((wanted - y) ** 2), np.mean(y**2)
    expect(bool(off < size / 2), f"the mean squared error is {off:.2g}, that of 0 is {size:.2g}")
    domain = measurement.domain(rows.copy())
    values = fitted.field_at([domain.low / 2 + domain.high / 2])
    expect(bool(np.isfinite(values).all()), f"the field is {values} in the middle of its domain")
    for how, other in (
        ("a second fit", clone(encoder).fit(rows, y)),
        ("pickle", pickle.loads(pickle.dumps(fitted))),
    ):
        expect(np.array_equal(other.predict(rows), wanted), f"{how} gives other predictions")
    weights = np.linspace(0.0, 2.0, len(rows))
    weighted = clone(encoder).set_params(max_epochs=2).fit(rows, y, sample_weight=weights)
    weighted.partial_fit(rows, y, sample_weight=weights)
    expect(bool(np.isfinite(weighted.predict(rows)).all()), "with weights, it is not finite")


CHECKS = (check_gradients, check_held_out_together, check_in_an_encoder)
