"""Encoders of values: what is predicted and how it is scored."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from skmire.encoders._base import Array, BaseEncoder
from skmire.encoders._checks import checked_values, refuse_missing, weights_of
from skmire.encoders._numbers import as_numbers


class ValueEncoder(MultiOutputMixin, RegressorMixin, BaseEncoder, ABC):
    """What encoders of values answer beside the field; its subclasses say what of."""

    def predict(self, X: ArrayLike) -> Array:
        """Return the values of the fit, in bounded memory.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Coordinates, anywhere; outside the extent of the fitted ones the fit extrapolates. Or
            what the measurement reads.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As `y` was in `fit`. Always float64.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        rows = self._measured_query(X)
        return self._measured(self.network_, rows)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return R2 of the fit, 1 where it meets every value.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Values there.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; those of weight 0 may hold anything.

        Returns
        -------
        score : float
            The mean over outputs.

        Raises
        ------
        ValueError
            If `y` is not as in `fit`; before anything is predicted.
        """
        check_is_fitted(self)
        n_outputs = len(self._readout.targets.centre)
        shape = np.atleast_1d(as_numbers("X", X)).shape
        values = checked_values(self, y, shape, n_outputs=n_outputs)
        weights = weights_of(1.0 if sample_weight is None else sample_weight, shape[0])
        alike = sample_weight is None or np.ndim(sample_weight) == 0  # as in fit
        counts = (weights != 0) | alike
        refuse_missing("y", values, y, counts=counts)
        if alike:
            return self._r2(X, values)
        X = _safe_indexing(X, np.flatnonzero(counts))
        return self._r2(X, values[counts], weights[counts])

    def _r2(self, X: ArrayLike, values: Array, weights: Array | None = None) -> float:
        predicted = self.predict(X)
        if predicted.shape == values.shape:  # else refused
            # R2 has no unit, but squares of what is tiny or huge have no number. By powers of two,
            # nothing is rounded.
            largest = np.abs([values, predicted]).max(axis=(0, 1))
            values, predicted = np.ldexp([values, predicted], -np.frexp(largest)[1])
        return float(r2_score(values, predicted, sample_weight=weights))

    def staged_predict(self, X: ArrayLike) -> Iterator[Array]:
        """Yield the values of the network of every stage of the search, the fit last.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates.

        Yields
        ------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        rows = self._measured_query(X)
        for network in self.search_result_.networks:
            yield self._measured(network, rows)
