"""What a fitted encoder answers, in the user's units."""

from __future__ import annotations

from abc import ABC
from copy import copy, deepcopy
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skmire.encoders._calculus import CalculusMixin
from skmire.encoders._checks import checked_coordinates, checked_points, columns
from skmire.encoders._device import on_query_device
from skmire.encoders._queries import Query, Rescale, features_at, in_blocks, values_at
from skmire.encoders._saving import blank, opened, stamp, stamped
from skmire.measurements import Readout, sweep_through
from skmire.networks import LayeredField, ScaledField
from skmire.scaling import Scaling
from skmire.search import SearchResult

Array = NDArray[np.float64]

_ROWS = 1_024  # that are measured together


class FittedField(
    CalculusMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC
):
    """Queries of the network that a subclass has fitted, and what a saved one holds.

    A subclass sets the attributes in `fit`.

    Attributes
    ----------
    activations_ : list of str
        Names of its atoms.
    network_ : LayeredField
        On scaled coordinates and values; before the bend, of a fit that is nowhere below 0.
    coordinate_scaling_, value_scaling_ : Scaling
        Between the user's units of the field and the network's.
    """

    device: str
    search_result_: SearchResult
    best_loss_: float
    n_iter_: int
    activations_: list[str]
    network_: LayeredField
    coordinate_scaling_: Scaling
    value_scaling_: Scaling
    n_features_in_: int
    _y_ndim: int  # of the field's values
    _measured_ndim: int  # of what is measured
    _readout: Readout

    @property
    def search_results_(self) -> dict[str, NDArray[Any]]:
        """The trace as columns, made when asked for: calls of `partial_fit` may be many."""
        check_is_fitted(self)
        return self.search_result_.table()

    @property
    def loss_curve_(self) -> list[float]:
        """Loss of each epoch along the path of the final sequence, made when asked for."""
        check_is_fitted(self)
        path = self.search_result_.path
        return [float(loss) for row in path for loss in row.training.curve.mean(axis=1)]

    @property
    def estimators_(self) -> list[Self]:
        """The fit by each of its networks alone, where it is the mean of several, or itself."""
        check_is_fitted(self)
        members = self.search_result_.members
        if not members:
            return [self]
        estimators = [copy(self) for _ in members]
        for estimator, result in zip(estimators, members, strict=True):
            estimator.__dict__.update(self._fitted_attributes(result))
        return estimators

    def field_at(self, points: ArrayLike) -> Array:
        """Return the values of the field, whatever of it was measured.

        Parameters
        ----------
        points : array-like of shape (n_samples, n_dims)
            Coordinates of the field, which `X` in ``fit`` need not have held: of rays, say.

        Returns
        -------
        values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Where values at points were fitted, as ``predict`` returns them. Always float64.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        coords = self._query(points)
        return self._field_values(self.network_, coords)

    def transform(self, X: ArrayLike) -> Array:
        """Return the features that the fit is linear in: the values of the last hidden layer.

        A fit that is nowhere below 0 is linear in them before it is bent.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates of the field.

        Returns
        -------
        features : ndarray of shape (n_samples, hidden_width)
            Always float64. If the atom of the last layer is complex there are twice as many
            columns, the real parts first. A mean of networks has those of each, side by side.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        coords = self._query(X)
        return in_blocks(
            on_query_device(self.network_, self.device),
            coords,
            features_at,
            scale=self.coordinate_scaling_.scale,
            unscale=lambda features: features,
        )

    def to_torch(self) -> ScaledField:
        """Return the fit as a module of torch, in the user's units, for losses of one's own.

        Returns
        -------
        field : ScaledField
            Takes coordinates, of shape (..., n_dims), and returns values, of shape (...) or (...,
            n_outputs). Its parameters are a copy of the fit's, on the CPU, to be trained as you
            like.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        check_is_fitted(self)
        return ScaledField(
            self._readout.over(deepcopy(self.network_).requires_grad_(True)),
            self.coordinate_scaling_,
            self.value_scaling_,
            scalar=self._y_ndim == 1,
            domain=self._readout.domain,
        )

    @staticmethod
    def _fitted_attributes(result: SearchResult) -> dict[str, Any]:
        return {
            "search_result_": result,
            "network_": result.network,
            "activations_": list(result.sequence),
            "best_loss_": result.path[-1].training.kept.loss("held_out"),
            "n_iter_": result.effective_epochs,
        }

    @property
    def _n_features_out(self) -> int:
        """Number of columns of `transform`, which scikit-learn names after the class."""
        outputs = self.network_.output.weight
        return outputs.shape[1] * (2 if outputs.is_complex() else 1)

    def _field_values(self, network: LayeredField, coords: Array) -> Array:
        """Values of `network` at `coords`, in the user's units, shaped as `y` was."""
        values = self._ask(network, coords, values_at(), self.value_scaling_.unscale)
        values = self._on_domain(coords, values)
        return values[:, 0] if self._y_ndim == 1 else values

    def _on_domain(self, coords: Array, answer: Array) -> Array:
        """Return an answer that is 0 where there is no field."""
        domain = self._readout.domain
        if domain.is_ball:
            answer[~domain.holds(coords)] = 0.0
        return answer

    def _measured(self, network: LayeredField, X: Array) -> Array:
        """Values that are measured of `network`, in the user's units, shaped as `y` was."""
        readout = self._readout
        if readout.is_plain:
            return self._field_values(network, X)
        sweep = sweep_through(on_query_device(network, self.device), readout)
        values = in_blocks(
            network,
            X,
            lambda _, inputs: sweep.values(inputs),
            scale=lambda block: block,
            unscale=readout.targets.unscale,
            rows=_ROWS,
            dtype=torch.float64,
        )
        return values[:, 0] if self._measured_ndim == 1 else values

    def _read_attributes(self, readout: Readout, values: Array) -> dict[str, Any]:
        """Return the attributes that say how `values`, as the user gave them, are read."""
        like_y = readout.n_outputs == columns(values).shape[1]
        return {
            "measurement_": readout.measurement,
            "coordinate_scaling_": readout.coordinates,
            "value_scaling_": readout.values,
            "_readout": readout,
            "_measured_ndim": values.ndim,
            "_y_ndim": values.ndim if like_y else min(readout.n_outputs, 2),
        }

    def _settle_constant(self, X: Array, weights: Array | None) -> None:
        """Give the fit, and each network of a mean, mean 0 where no constant is told."""
        points = self._readout.measurement.zero_mean_at(X)
        if points is None:
            return
        networks = self.network_.each
        values = (self._ask(n, points, values_at(), lambda values: values) for n in networks)
        means = [np.average(part, axis=0, weights=weights) for part in values]
        self._readout = self._readout.with_mean_zero(np.mean(means, axis=0))
        self.value_scaling_ = self._readout.values
        for network, beyond in zip(networks, means - np.mean(means, axis=0), strict=True):
            bias = network.output.bias
            bias.data -= torch.as_tensor(beyond, dtype=bias.dtype, device=bias.device)

    def _query(self, X: ArrayLike) -> Array:
        """Return coordinates of the field, checked."""
        check_is_fitted(self)
        if self._readout.is_plain:
            return checked_coordinates(self, X)
        return checked_points(X, self._readout.domain.n_dims)

    def _measured_query(self, X: ArrayLike) -> Array:
        """Return what the measurement reads, checked."""
        check_is_fitted(self)
        rows = checked_coordinates(self, X)
        self._readout.measurement.check(rows)
        return rows

    def _ask(
        self,
        network: LayeredField,
        coords: Array,
        query: Query,
        unscale: Rescale,
        scale: Rescale | None = None,
        share: int = 1,
    ) -> Array:
        """Answer a query of a network's field at the user's `coords`, in units by `unscale`."""
        network = on_query_device(network, self.device)
        field = self._readout.over(network)
        return in_blocks(
            network,
            coords,
            lambda _, inputs: query(field, inputs),
            scale=scale or self.coordinate_scaling_.scale,
            unscale=unscale,
            share=share,
        )

    def _sk_visual_block_(self) -> Any:
        """Give scikit-learn's picture of the estimator the fitted sequence as its caption."""
        # Imported here: should this part of scikit-learn move, it draws the plain picture.
        from sklearn.utils._repr_html.estimator import _VisualBlock

        return _VisualBlock(
            "single",
            self,
            names=type(self).__name__,
            name_details=str(self),
            name_caption=" → ".join(self.activations_) if hasattr(self, "activations_") else None,
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __reduce__(self) -> tuple[Any, ...]:
        return blank, (type(self), stamp()), self.__getstate__()

    def __getstate__(self) -> dict[str, Any]:
        return stamped(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(opened(state))
