"""What every encoder does: check the data, scale it, have a network found, and answer for it."""

from __future__ import annotations

import time
from abc import ABC
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, _fit_context, clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from torch import Tensor

from skmire._callbacks import CallbackSupportMixin, Task
from skmire._logging import audible
from skmire._random import derive_seed, torch_stream
from skmire.atoms import ActivationDictionary, AtomLike
from skmire.encoders._device import fitting_device, query_device
from skmire.networks import LayerStack
from skmire.scaling import CoordinateScaling, Scaling
from skmire.search import (
    BaseLayerSearch,
    Candidate,
    DivergenceError,
    LayerSearch,
    SearchProblem,
    SearchResult,
)
from skmire.training import Samples, Trainer

Array = NDArray[np.float64]

_BLOCK = 2**20  # activations of one layer that predict and gradient hold at a time
_DTYPES = {"float32": torch.float32, "float64": torch.float64}
_FOR_LATER = ("network", "measurement", "checkpoint")


class BaseEncoder(CallbackSupportMixin, BaseEstimator, ABC):
    """Parameters, fitting and queries of an encoder; its subclasses say what `y` is.

    The parameters are documented in `MIREncoder`.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "dictionary": [None, ActivationDictionary, list, tuple],
        "search": [None, BaseLayerSearch],
        "trainer": [None, Trainer],
        "network": "no_validation",  # type: ignore[dict-item]
        "measurement": "no_validation",  # type: ignore[dict-item]
        "hidden_width": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "time_limit": [None, Interval(Real, 0, None, closed="neither")],
        "coordinate_scaling": [StrOptions({"per_axis", "isotropic"})],
        "checkpoint": "no_validation",  # type: ignore[dict-item]
        "warm_start": ["boolean"],
        "device": [str],
        "dtype": [StrOptions(set(_DTYPES))],
        "random_state": ["random_state"],
        "n_jobs": [None, Integral],
        "verbose": ["verbose"],
    }

    dictionary_: ActivationDictionary
    search_: BaseLayerSearch
    trainer_: Trainer
    network_: LayerStack
    search_result_: SearchResult
    search_results_: dict[str, NDArray[Any]]
    activations_: list[str]
    loss_curve_: list[float]
    best_loss_: float
    n_iter_: int
    n_features_in_: int
    coordinate_scaling_: Scaling
    value_scaling_: Scaling

    def __init__(
        self,
        dictionary: ActivationDictionary | Sequence[AtomLike] | None = None,
        search: BaseLayerSearch | None = None,
        trainer: Trainer | None = None,
        network: None = None,
        measurement: None = None,
        *,
        hidden_width: int = 256,
        max_epochs: int = 60,
        time_limit: float | None = None,
        coordinate_scaling: CoordinateScaling = "per_axis",
        checkpoint: None = None,
        warm_start: bool = False,
        device: str = "auto",
        dtype: str = "float32",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.dictionary = dictionary
        self.search = search
        self.trainer = trainer
        self.network = network
        self.measurement = measurement
        self.hidden_width = hidden_width
        self.max_epochs = max_epochs
        self.time_limit = time_limit
        self.coordinate_scaling = coordinate_scaling
        self.checkpoint = checkpoint
        self.warm_start = warm_start
        self.device = device
        self.dtype = dtype
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    # -- fitting ---------------------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Find the network that fits the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates, in any units. At least two samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Values there.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the loss, at least 0. A sample of weight 0 is as if absent.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter, the samples or the weights are not as documented.
        DivergenceError
            If every candidate of a layer diverged.
        """
        if self.warm_start and hasattr(self, "network_"):
            return self._go_on(X, y, sample_weight, epochs=self.max_epochs, progress=0.0)
        return self._start(X, y, sample_weight)

    @_fit_context(prefer_skip_nested_validation=False)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit on a first batch of samples, or train on one more.

        The first call is `fit`: it fixes scaling and sequence, so its samples should span the
        domain. Each further call passes once over its samples, at the step size that training
        ended with; the optimiser's memory starts anew.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates, in any units. At least two samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Values there.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the loss, at least 0. A sample of weight 0 is as if absent.

        Returns
        -------
        self : object
        """
        if hasattr(self, "network_"):
            return self._go_on(X, y, sample_weight, epochs=1, progress=1.0)
        return self._start(X, y, sample_weight)

    def _start(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> Self:
        """Fit from nothing: scaling, search, network."""
        begun = time.monotonic()
        self._resolve_components()
        coords, values, weights = self._checked(X, y, sample_weight, reset=True)
        self._seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        self.coordinate_scaling_ = Scaling.of_coordinates(coords, self.coordinate_scaling)
        self.value_scaling_ = Scaling.of_values(_columns(values), weights)
        self._y_ndim = values.ndim
        samples, held_out = self._samples(coords, values, weights), None
        if self.search_.wants_held_out(self.trainer_):
            samples, held_out = samples.split(
                self.trainer_.validation_fraction, torch_stream(self._seed, "held out")
            )
        task = self._task(X, y, sample_weight)
        with audible(self.verbose):
            result = self.search_.search(
                SearchProblem(
                    samples=samples,
                    held_out=held_out,
                    dictionary=self.dictionary_,
                    hidden_width=self.hidden_width,
                    max_epochs=self.max_epochs,
                    deadline=None if self.time_limit is None else begun + self.time_limit,
                    seed=self._seed,
                    n_jobs=self.n_jobs,
                    verbose=int(self.verbose),
                    task=task,
                ),
                self.trainer_,
            )
        self._settled = self._settled_parameters()
        self.__dict__.update(self._fitted_attributes(result))
        task.finish(self.network_)
        return self

    def _go_on(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        *,
        epochs: int,
        progress: float,
    ) -> Self:
        """Train the fitted network further: scaling and sequence stay."""
        self._resolve_components()
        for name, now in self._settled_parameters().items():
            if now != (was := self._settled[name]):
                raise ValueError(
                    f"The fitted network is trained further, so {name} cannot change: it was "
                    f"{was!r} and is now {now!r}. Change it back, or fit a clone of the encoder."
                )
        coords, values, weights = self._checked(X, y, sample_weight, reset=False)
        before = self.search_result_
        network = deepcopy(self.network_).to(fitting_device(self.device))
        seed = derive_seed(self._seed, "further", self.n_iter_)
        task = self._task(X, y, sample_weight)
        with audible(self.verbose):
            training = self.trainer_.train(
                network,
                self._samples(coords, values, weights),
                None,
                epochs=epochs,
                seconds=self.time_limit,
                generator=torch_stream(seed, "batches"),
                task=task.start("further training", n_subtasks=epochs),
                progress=progress,
            )
        if training.diverged:
            raise DivergenceError(
                f"Training the fitted network further {training.outcome}. Lower the "
                f"trainer's learning_rate (now {self.trainer_.learning_rate:g}). The encoder is as "
                "it was before."
            )
        further = Candidate(
            layer=len(network.sequence),
            atom=network.sequence[-1].name,
            seed=seed,
            effective_epochs=before.effective_epochs + len(training.curve),
            training=training,
            loss=training.kept.loss("train"),
            chosen=True,
        )
        result = SearchResult((*before.networks[:-1], network), (*before.trace, further))
        self.__dict__.update(self._fitted_attributes(result))
        task.finish(network)
        return self

    def _resolve_components(self) -> None:
        """Set the collaborators that a fit uses: clones of those given, defaults for None."""
        for name in _FOR_LATER:
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name} must be None in this version of skmire: there is nothing to choose "
                    f"from yet; got {getattr(self, name)!r}."
                )
        given = self.dictionary
        self.dictionary_ = (
            clone(given)
            if isinstance(given, ActivationDictionary)
            else ActivationDictionary(None if given is None else deepcopy(list(given)))
        )
        self.dictionary_.resolve()
        self.dictionary_.check_init()
        self.search_ = LayerSearch() if self.search is None else clone(self.search)
        self.trainer_ = Trainer() if self.trainer is None else clone(self.trainer)
        for component in (self.search_, self.trainer_):
            component._validate_params()

    def _settled_parameters(self) -> dict[str, Any]:
        """Parameters that a fitted network cannot change."""
        return {
            "hidden_width": self.hidden_width,
            "dtype": self.dtype,
            "coordinate_scaling": self.coordinate_scaling,
            "search__n_layers": getattr(self.search_, "n_layers", None),
        }

    def _checked(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool
    ) -> tuple[Array, Array, Array | None]:
        """Return the samples that count, in float64, and their weights, of mean 1."""
        if issparse(y):
            raise TypeError("y must be dense, got a sparse matrix; pass y.toarray().")
        X, y = validate_data(
            self,
            X,
            y,
            reset=reset,
            dtype=np.float64,
            multi_output=True,
            y_numeric=True,
            ensure_min_samples=2,
        )
        values: Array = np.asarray(y, dtype=np.float64)
        n_outputs = _columns(values).shape[1]
        if not reset and n_outputs != len(self.value_scaling_.centre):
            raise ValueError(
                f"y has {n_outputs} outputs, but the encoder was fitted with "
                f"{len(self.value_scaling_.centre)}."
            )
        coords: Array = np.asarray(X)
        if sample_weight is None:
            return coords, values, None
        weights = _check_sample_weight(
            sample_weight, coords, dtype=np.float64, ensure_non_negative=True
        )
        counts = weights > 0
        if counts.sum() < 2:
            raise ValueError(
                f"At least 2 samples must have a weight above 0, got {counts.sum()}: a minimum of "
                "2 is required."
            )
        weights = weights[counts]
        return coords[counts], values[counts], weights / weights.mean()

    def _samples(self, coords: Array, values: Array, weights: Array | None) -> Samples:
        return Samples(
            self._tensor(self.coordinate_scaling_.scale(coords)),
            self._tensor(self.value_scaling_.scale(_columns(values))),
            None if weights is None else self._tensor(weights[:, None]),
        )

    def _tensor(self, array: Array) -> Tensor:
        return torch.tensor(array, dtype=_DTYPES[self.dtype], device=fitting_device(self.device))

    def _task(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> Task:
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        data = {"X": X, "y": y, "metadata": metadata}
        return Task.root(self, lambda network: {"network_": network}, n_subtasks=None, data=data)

    @staticmethod
    def _fitted_attributes(result: SearchResult) -> dict[str, Any]:
        return {
            "search_result_": result,
            "search_results_": result.table(),
            "network_": result.network,
            "activations_": list(result.sequence),
            "loss_curve_": [
                float(loss) for c in result.path for loss in c.training.curve.mean(axis=1)
            ],
            "best_loss_": result.path[-1].loss,
            "n_iter_": result.effective_epochs,
        }

    # -- queries ---------------------------------------------------------------------------------

    def gradient(self, X: ArrayLike) -> Array:
        """Return the gradient of the fit, exact, in units of `y` per unit of each coordinate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates.

        Returns
        -------
        gradient : ndarray of shape (n_samples, n_dims) or (n_samples, n_outputs, n_dims)
            The first if `y` was one-dimensional. Always float64.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        coords = self._query(X)
        scaled = np.concatenate(list(self._in_blocks(self.network_, coords, _jacobian)))
        per_coordinate = self.coordinate_scaling_.factor
        gradient = scaled * self.value_scaling_.half_range[:, None] * per_coordinate
        return gradient[:, 0] if self._y_ndim == 1 else gradient

    def _field_values(self, network: LayerStack, coords: Array) -> Array:
        """Values of `network` at `coords`, in the user's units, shaped as `y` was."""
        scaled = np.concatenate(list(self._in_blocks(network, coords, _no_grad)))
        values = self.value_scaling_.unscale(scaled)
        return values[:, 0] if self._y_ndim == 1 else values

    def _query(self, X: ArrayLike) -> Array:
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, reset=False, dtype=np.float64))

    def _in_blocks(
        self, network: LayerStack, coords: Array, query: Callable[[LayerStack, Tensor], Tensor]
    ) -> Iterator[Array]:
        """Apply `query` to blocks of the scaled coordinates that bound the memory needed."""
        device = query_device(self.device)
        network = network.to(device)
        rows = max(_BLOCK // self._settled["hidden_width"], 1)
        for start in range(0, len(coords), rows):
            scaled = self.coordinate_scaling_.scale(coords[start : start + rows])
            block = torch.tensor(scaled, dtype=_DTYPES[self._settled["dtype"]], device=device)
            yield query(network, block).double().cpu().numpy()


def _columns(values: Array) -> Array:
    return values.reshape(len(values), -1)


def _no_grad(network: LayerStack, coords: Tensor) -> Tensor:
    with torch.no_grad():
        values: Tensor = network(coords)
    return values


def _jacobian(network: LayerStack, coords: Tensor) -> Tensor:
    coords.requires_grad_(True)
    values = network(coords)
    rows = [
        torch.autograd.grad(column.sum(), coords, retain_graph=True)[0]
        for column in values.unbind(dim=1)
    ]
    return torch.stack(rows, dim=1)
