"""How every encoder is set up and fitted: check the data, scale it, have a network found."""

from __future__ import annotations

import os
import time
from abc import ABC
from collections.abc import Sequence
from copy import deepcopy
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from skmire._callbacks import CallbackSupportMixin, Task
from skmire._logging import audible
from skmire._random import derive_seed, torch_stream
from skmire._robust import robust_range
from skmire.atoms import ActivationDictionary, AtomLike
from skmire.encoders._ambient import ambience_off
from skmire.encoders._checks import (
    checked_groups,
    checked_samples,
    columns,
    features_kept_on_failure,
)
from skmire.encoders._collaborators import (
    Collaborators,
    collaborators,
    refuse_changes,
    refuse_orphans,
    settled_parameters,
)
from skmire.encoders._device import fitting_device
from skmire.encoders._fitted_field import FittedField
from skmire.encoders._limits import warn_of_a_fit_hardly_begun
from skmire.encoders._parameters import ParametersMixin
from skmire.encoders._preload import preload
from skmire.encoders._resuming import opened_checkpoint, told
from skmire.encoders._scaled_samples import DTYPES, scaled_samples
from skmire.measurements import Measurement, Readout
from skmire.networks import BaseArchitecture
from skmire.scaling import CoordinateScaling, Scaling
from skmire.search import BaseLayerSearch, Candidate, DivergenceError, SearchProblem
from skmire.search._result import BATCHES
from skmire.training import LOSSES, Trainer

Array = NDArray[np.float64]


class BaseEncoder(CallbackSupportMixin, ParametersMixin, FittedField, ABC):
    """Parameters and fitting of an encoder; its subclasses say what `y` is.

    The parameters are documented in `MIREncoder`.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "dictionary": [None, ActivationDictionary, list, tuple],
        "search": [None, BaseLayerSearch],
        "trainer": [None, Trainer],
        "network": [None, BaseArchitecture],
        "measurement": [None, Measurement],
        "hidden_width": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "time_limit": [None, Interval(Real, 0, None, closed="neither")],
        "coordinate_scaling": [StrOptions({"per_axis", "isotropic"})],
        "checkpoint": [None, str, os.PathLike],
        "warm_start": ["boolean"],
        "device": [str],
        "dtype": [StrOptions(set(DTYPES))],
        "random_state": ["random_state"],
        "n_jobs": [
            None,
            Interval(Integral, None, -1, closed="right"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "verbose": ["verbose"],
    }

    _own_defaults: ClassVar[dict[str, Any]] = {}  # of collaborators, other than MIREncoder's

    dictionary_: ActivationDictionary
    search_: BaseLayerSearch
    trainer_: Trainer
    bandwidth_: Array

    def __init__(
        self,
        dictionary: ActivationDictionary | Sequence[AtomLike] | None = None,
        search: BaseLayerSearch | None = None,
        trainer: Trainer | None = None,
        network: BaseArchitecture | None = None,
        measurement: Measurement | None = None,
        *,
        hidden_width: int = 256,
        max_epochs: int = 60,
        time_limit: float | None = None,
        coordinate_scaling: CoordinateScaling = "per_axis",
        checkpoint: str | os.PathLike[str] | None = None,
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

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the encoder and, as in ``search__n_layers``, of its collaborators.

        Parameters
        ----------
        **params : dict
            Values by name.

        Returns
        -------
        self : object
            The encoder, with these parameters.

        Raises
        ------
        ValueError
            If there is no such parameter, or the collaborator it belongs to was not given.
        """
        refuse_orphans(self, params)
        super().set_params(**params)
        return self

    # -- fitting ---------------------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Find the network that fits the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates, in any units. At least two samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Values there.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the loss, at least 0. A sample of weight 0 is as if absent.
        groups : array-like of shape (n_samples,), default=None
            Of stations, tracks or views, say: five or more labels of samples that are held out
            together, where any are, so that judged is what lies as far off as other groups do.

        Returns
        -------
        self : object
            The fitted encoder.

        Raises
        ------
        ValueError
            If a parameter, the samples, the weights or the groups are not as documented.
        DivergenceError
            If every candidate of a layer diverged.
        """
        further = {"epochs": self.max_epochs, "annealed": True} if self.warm_start else None
        return self._fit(X, y, sample_weight, further, groups=groups)

    @_fit_context(prefer_skip_nested_validation=False)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit on a first batch of samples, or train on one more.

        The first call is `fit`: it fixes scaling and sequence, so its samples should span the
        domain. Each further call passes once over its samples, at a tenth of the step size that a
        whole training has before it cools down, as the optimiser's memory starts anew.

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
            The encoder, fitted further.
        """
        return self._fit(X, y, sample_weight, {"epochs": 1, "annealed": False})

    def _fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        further: dict[str, Any] | None,
        bandwidth: Array | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Go on from a fitted network as `further` says, or start if there is none or no such.

        The bandwidth, in the user's units, is estimated from the samples if it is not known.
        """
        with features_kept_on_failure(self), ambience_off(), torch.enable_grad():
            preload(DTYPES[self.dtype])
            if further is not None and hasattr(self, "network_"):
                return self._go_on(X, y, sample_weight, groups, **further)
            return self._start(X, y, sample_weight, groups, bandwidth)

    def _start(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        groups: ArrayLike | None,
        bandwidth: Array | None,
    ) -> Self:
        """Fit from nothing: scaling, search, network."""
        begun = time.monotonic()
        given = dictionary, search, trainer, architecture, measurement = self._collaborators()
        coords, values, weights = self._checked(X, y, sample_weight, first=True)
        together = checked_groups(groups, X, sample_weight)
        checkpoint, seed = opened_checkpoint(
            self,
            given,
            {"X": coords, "y": columns(values), "sample_weight": weights, "groups": together},
        )
        # Kept apart until the fit has succeeded: a failed one leaves the encoder as it was.
        readout, pilot = Readout.of(
            measurement, coords, columns(values), weights, self.coordinate_scaling,
            shifted=self._value_scaling(coords, values, weights, trainer),
        )  # fmt: skip
        # First, as it refuses what cannot fit in memory.
        samples, held_out = scaled_samples(
            self, coords, values, weights, readout, together, seed=seed,
            held_out=trainer.validation_fraction if search.wants_held_out(trainer) else None,
        )  # fmt: skip
        bandwidth = (
            readout.bandwidth(pilot, len(coords))
            if bandwidth is None
            else bandwidth * readout.coordinates.half_range
        )
        settled = {
            "dictionary_": dictionary,
            "search_": search,
            "trainer_": trainer,
            "bandwidth_": bandwidth * readout.coordinates.factor,
            "_seed": seed,
            "_settled": settled_parameters(self, given),
            **self._read_attributes(readout, values),
            **self._target_attributes(y, sample_weight),
        }
        task = self._task(X, y, {"sample_weight": sample_weight, "groups": groups}, settled)
        with audible(self.verbose), told(checkpoint, self.verbose):
            result = search.search(
                SearchProblem(
                    samples=samples,
                    held_out=held_out,
                    dictionary=dictionary,
                    architecture=architecture,
                    hidden_width=self.hidden_width,
                    max_epochs=self.max_epochs,
                    deadline=None if self.time_limit is None else begun + self.time_limit,
                    seed=seed,
                    n_jobs=self.n_jobs,
                    verbose=int(self.verbose),
                    task=task,
                    bandwidth=bandwidth,
                    checkpoint=checkpoint,
                ),
                trainer,
            )
        result = result.finished_by(trainer, samples, held_out, seconds=self.time_limit)
        task.finish(result.network)  # before anything is kept, as a callback may raise
        self.__dict__.update({**settled, **self._fitted_attributes(result)})
        self._settle_constant(coords, weights)
        warn_of_a_fit_hardly_begun(self, result.path[-1], samples)
        return self

    def _go_on(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        groups: ArrayLike | None,
        *,
        epochs: int,
        annealed: bool,
    ) -> Self:
        """Train the fitted network further: scaling and sequence stay."""
        given = _, _, trainer, _, measurement = self._collaborators()
        refuse_changes(self._settled, settled_parameters(self, given))
        coords, values, weights = self._checked(X, y, sample_weight, first=False)
        measurement.check(coords)
        measurement.check_values(columns(values))
        before = self.search_result_
        network = deepcopy(self.network_).to(fitting_device(self.device))
        seed = derive_seed(self._seed, "further", self.n_iter_)
        samples, held_out = scaled_samples(
            self,
            coords,
            values,
            weights,
            self._readout,
            checked_groups(groups, X, sample_weight),
            held_out=trainer.validation_fraction if trainer.early_stopping and epochs > 1 else None,
            seed=self._seed,  # so that of the same samples those held out stay so
        )
        task = self._task(X, y, {"sample_weight": sample_weight, "groups": groups}, {})
        further = task.start("further training", n_subtasks=epochs)
        with audible(self.verbose):
            training = trainer.train(
                network,
                samples,
                held_out,
                epochs=epochs,
                seconds=self.time_limit,
                generator=torch_stream(seed, "batches"),
                task=further,
                annealed=annealed,
            )
        further.finish(network)
        if training.diverged:
            raise DivergenceError(
                f"Training the fitted network further {training.outcome}. Lower the trainer's "
                f"learning_rate (now {trainer.learning_rate:g}). The encoder is as it was before."
            )
        candidate = Candidate(
            layer=len(network.sequence), atom=network.sequence[-1].name, seed=seed,
            effective_epochs=len(training.curve), training=training,
            loss=training.kept.loss("held_out"), chosen=True, stage="" if annealed else BATCHES,
        )  # fmt: skip
        result = before.further(network, candidate)
        if annealed and not result.members:  # which were trained as one
            result = result.finished_by(trainer, samples, held_out, seconds=self.time_limit)
        task.finish(network)
        self.__dict__.update({"trainer_": trainer, **self._fitted_attributes(result)})
        self._settle_constant(coords, weights)
        return self

    # -- what a kind of target has of its own ------------------------------------------------------

    def _collaborators(self) -> Collaborators:
        """Return the collaborators of a fit, the trainer with a loss for these targets."""
        found = collaborators(self, **self._own_defaults)
        if LOSSES[found[2].loss].of_labels:
            raise ValueError(
                f"Trainer(loss={found[2].loss!r}) is for labels, which {type(self).__name__} does "
                'not fit. Take OccupancyEncoder(loss="logistic"), or another loss.'
            )
        return found

    def _checked(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, first: bool
    ) -> tuple[Array, Array, Array | None]:
        """Return samples as `checked_samples` does, of a first fit or for the fitted network."""
        n_outputs = None if first else len(self._readout.targets.centre)
        return checked_samples(self, X, y, sample_weight, n_outputs=n_outputs)

    def _value_scaling(
        self, coords: Array, values: Array, weights: Array | None, trainer: Trainer
    ) -> Scaling:
        """Return what lies between checked values and the network's."""
        if LOSSES[trainer.loss].is_robust:
            return Scaling(*robust_range(coords, columns(values), weights))
        return Scaling.of_values(columns(values), weights)

    def _target_attributes(self, y: ArrayLike, sample_weight: ArrayLike | None) -> dict[str, Any]:
        """Return fitted attributes that come from `y` alone, where it counts."""
        return {}

    def _task(
        self,
        X: ArrayLike,
        y: ArrayLike,
        metadata: dict[str, ArrayLike | None],
        settled: dict[str, Any],
    ) -> Task:
        """Start the task of the fit; a callback's fitted estimator has what is `settled`."""
        passed = {name: value for name, value in metadata.items() if value is not None}
        return Task.root(
            self,
            lambda network: {**settled, "network_": network},
            n_subtasks=None,
            data={"X": X, "y": y, "metadata": passed},
        )
