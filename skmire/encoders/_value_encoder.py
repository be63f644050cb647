"""Encoders of values: what is predicted and how it is scored."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import _safe_indexing

from skmire.encoders._base import Array, BaseEncoder
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
        """
        values = as_numbers("y", y)
        weights = None if sample_weight is None else as_numbers("sample_weight", sample_weight)
        if weights is None or weights.ndim == 0:  # all alike, as in fit
            return self._r2(X, values)
        counts = np.flatnonzero(weights != 0) if weights.shape == values.shape[:1] else slice(None)
        return self._r2(_safe_indexing(X, counts), values[counts], weights[counts])

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
