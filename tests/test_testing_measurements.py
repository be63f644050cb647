"""The kit of measurements passes skmire's own, and catches what breaks a promise."""

import numpy as np
import pytest
import torch

from skmire.measurements import (
    Domain,
    GradientValues,
    LineIntegrals,
    Measurement,
    Pilot,
    PointValues,
    VolumeRendering,
)
from skmire.testing import check_measurement, measurement_checks

X = np.random.default_rng(0).uniform(-1, 1, size=(40, 2))
SEGMENTS = np.random.default_rng(1).uniform(-1, 1, size=(40, 6))


@pytest.mark.parametrize("check", measurement_checks(), ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    ("measurement", "rows", "n_columns"),
    [
        (PointValues(), X, 3),
        (GradientValues(), X, 2),
        (GradientValues(), X, 4),
        (LineIntegrals(n_nodes=8), X, 1),
        (LineIntegrals("segments", n_nodes=6), SEGMENTS, 2),
        (LineIntegrals(n_nodes=8, nonnegative=True), X, 1),
        (VolumeRendering(bounds=[[-3, 3]] * 3, n_samples=6), SEGMENTS, 3),
        (VolumeRendering(bounds=[[-3, 3]] * 3, n_samples=4, view_dependent=True), SEGMENTS, 1),
    ],
    ids=lambda value: repr(value) if isinstance(value, Measurement | int) else "",
)
def test_skmires_own_measurements_pass(check, measurement, rows, n_columns):
    check(measurement, rows, n_columns)


# -- measurements that break one promise each -----------------------------------------------------


class Mean(Measurement):
    """Keeps all promises; what follows breaks one each."""

    shifts = True

    def __init__(self, width=0.1):
        self.width = width

    def domain(self, X):
        return Domain(X.min(axis=0) - self.width, X.max(axis=0) + self.width)

    def measure(self, field, X):
        return (field(X - self.width) + field(X + self.width)) / 2


class Derived(Mean):
    def __init__(self, width=0.1):
        super().__init__(width)
        self.twice = 2 * width


class UpsideDown(Mean):
    def domain(self, X):
        box = super().domain(X)
        return Domain(box.high, box.low)


class Single(Mean):
    def measure(self, field, X):
        return super().measure(field, X).float()


class ByBatch(Mean):
    """Normalises by what is in the batch."""

    shifts = False

    def measure(self, field, X):
        found = super().measure(field, X)
        return found * (1 + len(X) / 1000)


class Beyond(Mean):
    def domain(self, X):
        return Domain.around(X)


class Drawn(Mean):
    def measure(self, field, X):
        torch.rand(1)
        return super().measure(field, X)


class Sum(Mean):
    """Says that it shifts, and is twice what it says."""

    def measure(self, field, X):
        return 2 * super().measure(field, X)


class Difference(Mean):
    """Does not tell a constant, and does not settle it."""

    shifts = False

    def measure(self, field, X):
        return field(X + self.width) - field(X - self.width)


class Settled(Mean):
    """Settles a constant that it tells."""

    def zero_mean_at(self, X):
        return X


class WrongPilot(Mean):
    shifts = False

    def pilot(self, X, y, weights, domain):
        return Pilot(X, y[:-1])


class Detached(Mean):
    def measure(self, field, X):
        return super().measure(field, X).detach() + 0 * field(X)


class OneKey(Mean):
    def held_out_together(self, X):
        return X[:, 0]


class Hollow(Mean):
    """Is not linear, and has no slope where fits begin."""

    shifts = False

    def measure(self, field, X):
        return super().measure(field, X) ** 8 * 1e-9


LIARS = [
    (Derived, "check_estimator", "twice"),
    (UpsideDown, "check_domain", "high"),
    (Single, "check_shape_and_dtype", "float32"),
    (ByBatch, "check_row_by_row", "one row"),
    (Beyond, "check_inside_the_domain", "half lengths"),
    (Drawn, "check_no_state", "random"),
    (Sum, "check_shifts", "off by 2"),
    (Difference, "check_constant", "zero_mean_at returns None"),
    (Settled, "check_constant", "a constant is told"),
    (WrongPilot, "check_pilot", "shapes"),
    (Detached, "check_gradients", "by differences"),
    (OneKey, "check_held_out_together", "(40,)"),
    (Hollow, "check_in_an_encoder", "mean squared error"),
]


def first_broken(measurement):
    """Return the first check that fails, of those from the simplest on, and what it says."""
    for check in measurement_checks():
        try:
            check(measurement, X)
        except AssertionError as error:
            return check.__name__, str(error)
    return "none", ""


def test_a_measurement_that_keeps_all_promises_passes():
    check_measurement(Mean(), X)


@pytest.mark.parametrize(("kind", "check", "seen"), LIARS, ids=lambda v: getattr(v, "__name__", v))
def test_a_measurement_that_breaks_a_promise_fails_its_check(kind, check, seen):
    broken, said = first_broken(kind())
    assert broken == check, said
    assert seen in said


def test_every_check_of_a_measurement_can_fail():
    assert {check for _, check, _ in LIARS} == {c.__name__ for c in measurement_checks()}


def test_what_is_said_holds_rule_sight_and_cure():
    with pytest.raises(
        AssertionError,
        match=r"^Every row is measured .* But of ByBatch: one row .*\. Take what all",
    ):
        check_measurement(ByBatch(), X)


def test_rows_that_are_none_are_named():
    with pytest.raises(AssertionError, match=r"But of Mean: X has shape \(2,\)"):
        check_measurement(Mean(), [1.0, 2.0])
