"""The conformance kit of measurements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skmire.measurements import Measurement
from skmire.testing import _measurement_use, _measurement_values


def measurement_checks() -> tuple[Callable[..., None], ...]:
    """Return the single checks of `check_measurement`, for a test run to list them one by one.

    Returns
    -------
    checks : tuple of callable
        Each takes what `check_measurement` does, raises AssertionError if the promise it is named
        after is broken, and leaves the measurement as it was.

    Examples
    --------
    >>> from skmire.testing import measurement_checks
    >>> measurement_checks()[0].__name__
    'check_estimator'

    In a file of tests::

        @pytest.mark.parametrize("check", measurement_checks(), ids=lambda check: check.__name__)
        def test_pixel_mean(check):
            check(PixelMean(), X)
    """
    return (
        _measurement_use.check_estimator,
        *_measurement_values.CHECKS,
        *_measurement_use.CHECKS,
    )


def check_measurement(measurement: Measurement, X: Any, n_columns: int = 1) -> None:
    """Hold a measurement to everything that skmire's own measurements promise.

    It takes a few seconds. What is measured is that of a smooth field of its own.

    Parameters
    ----------
    measurement : Measurement
        With the parameters to check it with.
    X : array-like of shape (n_samples, n_features)
        Rows that it reads, some tens of them, no two alike.
    n_columns : int, default=1
        Columns of `y` that it gives.

    Raises
    ------
    AssertionError
        If a promise is broken: which one, what was seen, and the cure.

    See Also
    --------
    measurement_checks : The same, check by check.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.measurements import GradientValues
    >>> from skmire.testing import check_measurement
    >>> X = np.random.default_rng(0).uniform(size=(40, 2))
    >>> check_measurement(GradientValues(), X, n_columns=2)
    >>> check_measurement(GradientValues(), X, n_columns=3)
    Traceback (most recent call last):
        ...
    AssertionError: ... But of GradientValues: it raised ValueError: y must hold ...
    """
    for check in measurement_checks():
        check(measurement, X, n_columns)
