"""What a measurement says of a field: where it lives, and what it gives for every row."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

from skmire.measurements import Domain, Measurement, Pilot
from skmire.testing._measurement_setting import (
    Watched,
    as_rows,
    measured,
    network,
    of_field,
    readout,
)
from skmire.testing._promise import expect, promise

_ROUNDING = 1e-9  # of values of about 1


@promise(
    "A measurement says in domain where the field lives: a Domain with finite ends, the lower one "
    "first, the same for the same X, and in n_outputs how many outputs it has, at least one.",
    "Compute Domain(low, high), Domain.around(points) or Domain.ball(n_dims, radius=...) from all "
    "rows of X.",
)
def check_domain(measurement: Measurement, X: Any, n_columns: int = 1) -> None:
    rows = as_rows(X)
    domain, again = (measurement.domain(rows.copy()) for _ in range(2))
    expect(isinstance(domain, Domain), f"domain returns a {type(domain).__name__}")
    ends = np.stack([domain.low, domain.high])
    expect(ends.ndim == 2 and bool(np.isfinite(ends).all()), f"the ends are {ends.tolist()}")
    expect(bool((ends[0] <= ends[1]).all()), f"low is {domain.low}, and high {domain.high}")
    expect(np.array_equal(ends, [again.low, again.high]), "asked twice, it gives two domains")
    n_outputs: Any = measurement.n_outputs(domain.n_dims, n_columns)
    expect(isinstance(n_outputs, int) and n_outputs >= 1, f"n_outputs is {n_outputs!r}")


@promise(
    "measure gives, for n rows, finite values of shape (n, n_columns) in double precision.",
    "Keep the axis of outputs that the field returns last, and make constants with "
    "torch.tensor(...).to(X).",
)
def check_shape_and_dtype(measurement: Measurement, X: Any, n_columns: int = 1) -> None:
    rows = as_rows(X)
    found = measured(measurement, rows, n_columns)
    expect(found.shape == (len(rows), n_columns), f"its shape is {tuple(found.shape)}")
    expect(found.dtype == torch.float64, f"its type is {found.dtype}")
    expect(bool(found.isfinite().all()), "some values are not finite")


@promise(
    "Every row is measured by itself, whatever others are with it: training sees batches.",
    "Take what all rows share from field.domain or the hyper-parameters, not from X.",
)
def check_row_by_row(measurement: Measurement, X: Any, n_columns: int = 1) -> None:
    rows = as_rows(X)
    read = readout(measurement, rows, n_columns)
    field = read.field_of(network(read.domain, read.n_outputs))
    whole = of_field(measurement, field, rows)
    half = np.arange(0, len(rows), 2)[::-1]
    for name, some in (("one row", [len(rows) - 1]), ("half of the rows, backwards", half)):
        off = (of_field(measurement, field, rows[some]) - whole[np.array(some)]).abs().max()
        expect(bool(off <= _ROUNDING), f"{name} alone gives values that are off by {off:.2g}")


@promise(
    "The field is asked where domain says that it lives: a network is not matched to what lies "
    "outside.",
    "Let domain hold every point that measure asks for.",
)
def check_inside_the_domain(measurement: Measurement, X: Any, n_columns: int = 1) -> None:
    rows = as_rows(X)
    read = readout(measurement, rows, n_columns)
    if read.domain.is_ball:  # it is 0 outside, which is known
        return
    watched = Watched(network(read.domain, read.n_outputs))
    of_field(measurement, read.field_of(watched), rows)
    expect(bool(watched.places), "it never asks the field")
    farthest = max(float(places.abs().max()) for places in watched.places)
    expect(farthest <= 1 + _ROUNDING, f"a point lies {farthest:.4g} half lengths from the centre")


@promise(
    "Measuring is a function of field and row: it gives the same again, and changes neither X, the "
    "measurement nor a global random state.",
    "Draw at most from a generator seeded by the row's own numbers, and store nothing on self.",
)
def check_no_state(measurement: Measurement, X: Any, n_columns: int = 1) -> None:
    rows = as_rows(X)
    read = readout(measurement, rows, n_columns)
    field = read.field_of(network(read.domain, read.n_outputs))
    before = vars(measurement).copy(), _random_states()
    inputs = torch.tensor(rows)
    with torch.enable_grad():
        first = measurement.measure(field, inputs).detach().clone()
        second = measurement.measure(field, inputs).detach()
    expect(torch.equal(first, second), "the same rows give other values the second time")
    expect(np.array_equal(inputs.numpy(), rows), "X is written to")
    expect(vars(measurement) == before[0], "it holds other attributes afterwards")
    expect(_random_states() == before[1], "a global random state has moved")


@promise(
    "With shifts, a factor on the field is one on what is measured, and a constant added to the "
    "field is added to it.",
    "Set shifts = False, as it is unless you say otherwise.",
)
def check_shifts(measurement: Measurement, X: Any, n_columns: int = 1) -> None:
    if not measurement.shifts or measurement.nonnegative:
        return
    rows = as_rows(X)
    plain, changed = (
        measured(measurement, rows, n_columns, **change) for change in ({}, {"factor": 3.0})
    )
    raised = measured(measurement, rows, n_columns, plus=2.0)
    for what, off in (("3 times", changed - 3 * plain), ("2 more than", raised - plain - 2)):
        worst = off.abs().max()
        expect(bool(worst <= _ROUNDING), f"a field {what} another is off by {worst:.2g}")


@promise(
    "Where fields that differ by a constant measure alike, zero_mean_at says over which points the "
    "mean is to be 0, and nowhere else.",
    "Return points of the field, of shape (n, n_dims), or None.",
)
def check_constant(measurement: Measurement, X: Any, n_columns: int = 1) -> None:
    rows = as_rows(X)
    one, other = (measured(measurement, rows, n_columns, plus=plus) for plus in (0.0, 2.0))
    alike = bool((one - other).abs().max() <= _ROUNDING * other.abs().max())
    points = measurement.zero_mean_at(rows.copy())
    if points is None:
        expect(not alike, "a constant is not told, and zero_mean_at returns None")
        return
    expect(alike, "zero_mean_at returns points, but a constant is told")
    n_dims = measurement.domain(rows.copy()).n_dims
    fits = np.ndim(points) == 2 and np.shape(points)[1] == n_dims and len(points) > 0
    expect(fits, f"zero_mean_at returns points of shape {np.shape(points)}")


@promise(
    "A pilot is a rough field: finite values at points of the domain, the same for the same "
    "samples, with weights or without; or None.",
    "Return Pilot(points, values), of shapes (n, n_dims) and (n, n_outputs); or leave pilot as it "
    "is inherited.",
)
def check_pilot(measurement: Measurement, X: Any, n_columns: int = 1) -> None:
    rows = as_rows(X)
    domain = measurement.domain(rows.copy())
    n_outputs = measurement.n_outputs(domain.n_dims, n_columns)
    y = measured(measurement, rows, n_columns).numpy()
    for weights in (None, np.linspace(0.5, 1.5, len(rows))):
        one, again = (measurement.pilot(rows.copy(), y.copy(), weights, domain) for _ in range(2))
        if one is None:
            expect(again is None, "asked twice, there is one only once")
            continue
        expect(isinstance(one, Pilot), f"it is a {type(one).__name__}")
        n = len(one.points)
        shapes = np.shape(one.points), np.shape(one.values)
        expect(shapes == ((n, domain.n_dims), (n, n_outputs)), f"its shapes are {shapes}")
        numbers = np.hstack([one.points, one.values])
        expect(bool(np.isfinite(numbers).all()), "some of its numbers are not finite")
        same = again is not None and np.array_equal(one.values, again.values)
        expect(same, "asked twice, it gives other values")


def _random_states() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 - it is this one that is watched
    return (
        random.getstate(),
        (name, np.asarray(keys).tobytes(), *rest),
        torch.get_rng_state().numpy().tobytes(),
    )


CHECKS = (
    check_domain,
    check_shape_and_dtype,
    check_row_by_row,
    check_inside_the_domain,
    check_no_state,
    check_shifts,
    check_constant,
    check_pilot,
)
