"""The classifier: which side of a surface a point is on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import compute_class_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import type_of_target

from skmire._shape_metrics import iou
from skmire.atoms import ActivationDictionary, AtomLike
from skmire.encoders._base import Array, BaseEncoder
from skmire.encoders._checks import checked_labels, checked_samples
from skmire.encoders._collaborators import Collaborators, collaborators
from skmire.encoders._volumes import VolumeEncoder
from skmire.networks import BaseArchitecture
from skmire.scaling import CoordinateScaling, Scaling
from skmire.search import BaseLayerSearch
from skmire.training import Trainer
from skmire.training._losses import LOG_ODDS


class OccupancyEncoder(ClassifierMixin, VolumeEncoder):
    """Matched implicit neural representation of a shape: which points are inside.

    A binary classifier over coordinates. It fits a coordinate network to labels, as `MIREncoder`
    does to values, and its atoms are found the same way. What it fits is the decision function, and
    its derivatives are those of `gradient` and the like; where it is 0 is the surface.

    Parameters
    ----------
    dictionary, search, trainer, network : object, default=None
        As in `MIREncoder`. The trainer's loss gives way to `loss`.
    loss : {"squared", "logistic"}, default="squared"
        Of the decision function, on labels of -1 and 1. With ``"squared"`` it estimates twice the
        probability, less 1, and probabilities are clipped to [0, 1]. With ``"logistic"`` it
        estimates the log-odds.
    class_weight : dict or "balanced", default=None
        Weights of the classes in the loss, by label and above 0; ``"balanced"`` gives both the same
        sum. They multiply `sample_weight`, and probabilities are then those of samples so weighted.
    hidden_width, max_epochs, time_limit, coordinate_scaling, checkpoint, warm_start : object
        As in `MIREncoder`.
    device, dtype, random_state, n_jobs, verbose : object
        As in `MIREncoder`.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels; the second one is inside.
    iou_ : float
        Intersection over union of the fit and the samples of the last fit, weighted by their
        `sample_weight`; of `fit_volume`, that over the whole volume, from voxels drawn anew if a
        part was fitted.
    volume_axes_ : list of ndarray
        Where the voxels are along each axis, after `fit_volume`.
    search_results_ : dict of str to ndarray
        As in `MIREncoder`, and ``iou`` of every candidate, on the samples held out if there are
        any, by the weights of the loss, those of classes among them.
    activations_, search_result_, loss_curve_, network_, ... : object
        As in `MIREncoder`.

    See Also
    --------
    MIREncoder : Of values; of a signed distance, too.
    skmire.shapes.occupancy_from_mesh : Voxels inside a surface.
    skmire.metrics.iou : What papers compare.

    References
    ----------
    Mescheder et al., Occupancy Networks: Learning 3D Reconstruction in Function Space, CVPR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import FixedSequence, OccupancyEncoder
    >>> X = np.random.default_rng(0).uniform(-1, 1, size=(2000, 3))
    >>> ball = np.linalg.norm(X, axis=1) < 0.7
    >>> encoder = OccupancyEncoder(
    ...     search=FixedSequence("gaussian", n_layers=2), hidden_width=32, max_epochs=200,
    ...     random_state=0,
    ... )
    >>> encoder.fit(X, ball).predict([[0.0, 0.0, 0.5], [0.0, 0.0, 0.9]])
    array([ True, False])
    >>> bool(encoder.iou_ > 0.9)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseEncoder._parameter_constraints,
        "loss": [StrOptions({"squared", "logistic"})],
        "class_weight": [None, dict, StrOptions({"balanced"})],
    }

    classes_: NDArray[Any]
    iou_: float

    def __init__(
        self,
        dictionary: ActivationDictionary | Sequence[AtomLike] | None = None,
        search: BaseLayerSearch | None = None,
        trainer: Trainer | None = None,
        network: BaseArchitecture | None = None,
        *,
        loss: Literal["squared", "logistic"] = "squared",
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
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
        super().__init__(
            dictionary,
            search,
            trainer,
            network,
            hidden_width=hidden_width,
            max_epochs=max_epochs,
            time_limit=time_limit,
            coordinate_scaling=coordinate_scaling,
            checkpoint=checkpoint,
            warm_start=warm_start,
            device=device,
            dtype=dtype,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.loss = loss
        self.class_weight = class_weight

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Find the network that tells the two labels apart.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates, in any units.
        y : array-like of shape (n_samples,)
            Labels, of two kinds: booleans, numbers or text. In their order, the second is inside.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the loss, at least 0. A sample of weight 0 is as if absent.
        groups : array-like of shape (n_samples,), default=None
            Labels of what is held out together, as in `MIREncoder.fit`.

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
        super().fit(X, y, sample_weight, groups)
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit on a first batch of samples, or train on one more.

        The first call is `fit`: it fixes scaling, sequence and classes, so its samples should span
        the domain and have both labels. Each further call passes once over its samples, at the step
        size that a whole training has before it cools down; the optimiser's memory starts anew.
        Weights of classes are to be given by label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates, in any units.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (2,), default=None
            The two labels, as scikit-learn passes them; those of the first `y` must be the same.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the loss, at least 0.

        Returns
        -------
        self : object
            The encoder, fitted further.

        Raises
        ------
        ValueError
            If a parameter, the samples or the weights are not as documented.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                'class_weight="balanced" is not for partial_fit, as each batch would be balanced '
                "by itself. Give the weights as a dict, computed of all labels by "
                "sklearn.utils.compute_class_weight."
            )
        if classes is not None:
            fitted = hasattr(self, "network_")
            ours = self.classes_ if fitted else np.unique(checked_labels(self, y, sample_weight))
            if not np.array_equal(np.unique(classes), ours):
                raise ValueError(
                    f"classes must be the labels of the first batch, {ours.tolist()}; got "
                    f"{np.unique(classes).tolist()}. Begin with samples of both classes."
                )
        super().partial_fit(X, y, sample_weight)
        return self

    def decision_function(self, X: ArrayLike) -> Array:
        """Return what is fitted: above 0 inside, in log-odds with the logistic loss.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates, anywhere; outside the extent of the fitted ones the fit extrapolates.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Always float64.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        coords = self._query(X)
        return self._field_values(self.network_, coords)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the label of each point.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Of `classes_`, in its dtype.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        return self._answers(self.decision_function(X), "predict")

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each label at each point.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, 2)
            In the order of `classes_`. Always float64.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        inside = self._answers(self.decision_function(X), "predict_proba")
        return np.stack([1 - inside, inside], axis=1)

    # -- what is its own of a fit ------------------------------------------------------------------

    def _fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        further: dict[str, Any] | None,
        bandwidth: Array | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        y = checked_labels(self, y, sample_weight)  # once, as it may warn
        super()._fit(X, y, sample_weight, further, bandwidth, groups)
        if further is None:
            self.__dict__.pop("volume_axes_", None)
        coords, signs, weights = self._signed(X, y, sample_weight, self.classes_, first=False)
        decision = self._field_values(self.network_, coords)
        self.iou_ = iou(signs > 0, decision > 0, sample_weight=weights)
        return self

    def _collaborators(self) -> Collaborators:
        found = collaborators(self)
        trainer = found[2]
        if trainer.loss not in ("squared", self.loss):
            raise ValueError(
                f"OccupancyEncoder has a loss of its own, loss={self.loss!r}, and its trainer has "
                f"loss={trainer.loss!r}. Leave that of the trainer as it is by default."
            )
        trainer.loss = self.loss
        return found

    def _checked(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, first: bool
    ) -> tuple[Array, Array, Array | None]:
        classes = self._target_attributes(y, sample_weight)["classes_"] if first else self.classes_
        coords, signs, weights = self._signed(X, y, sample_weight, classes, first=first)
        if first and abs(signs.sum()) == len(signs):
            alone = classes.tolist()[-1 if signs[0] > 0 else 0]
            raise ValueError(
                "OccupancyEncoder needs samples of two classes; those that count have one class "
                f"only, {alone!r}. Add samples from the other side."
            )
        if self.class_weight is None:
            return coords, signs, weights
        of_class = compute_class_weight(
            self.class_weight,
            classes=classes,
            y=classes[(signs > 0).astype(int)],
            sample_weight=weights,
        )
        if not (of_class > 0).all():
            raise ValueError(
                f"class_weight must be above 0 for both classes, got {self.class_weight!r}."
            )
        weighted = of_class[(signs > 0).astype(int)] * (1.0 if weights is None else weights)
        return coords, signs, weighted / weighted.mean()

    def _signed(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        classes: NDArray[Any],
        *,
        first: bool,
    ) -> tuple[Array, Array, Array | None]:
        """Return checked samples, with -1 and 1 for the two labels, without weights of classes."""
        labels = checked_labels(self, y, sample_weight)
        if unknown := set(np.unique(labels).tolist()) - set(classes.tolist()):
            raise ValueError(
                f"y has labels that the encoder was not fitted with: {sorted(unknown)}. The two "
                f"classes are {classes.tolist()}."
            )
        signs = np.where(labels == classes[-1:], 1.0, -1.0)
        return checked_samples(self, X, signs, sample_weight, n_outputs=None if first else 1)

    def _value_scaling(
        self, coords: Array, values: Array, weights: Array | None, trainer: Trainer
    ) -> Scaling:
        if self.loss == "logistic":
            return Scaling(np.zeros(1), np.full(1, LOG_ODDS))
        return super()._value_scaling(coords, values, weights, trainer)

    def _target_attributes(self, y: ArrayLike, sample_weight: ArrayLike | None) -> dict[str, Any]:
        labels = np.unique(checked_labels(self, y, sample_weight))
        if len(labels) > 2:
            raise ValueError(
                f"Only binary classification is supported. The type of the target is "
                f"{type_of_target(y)}: y has {len(labels)} classes. Fit one encoder for each, "
                "against the others."
            )
        return {"classes_": labels}

    def _answers(self, decision: Array, method: str) -> NDArray[Any]:
        """Return what a method of scikit-learn's makes of the decision function."""
        if method == "decision_function":
            return decision
        if method == "predict":
            return np.asarray(self.classes_[(decision > 0).astype(np.intp)])
        if self.loss == "logistic":
            return np.asarray(expit(decision))
        return np.clip((decision + 1) / 2, 0, 1)

    def _level(self, probability: float) -> float:
        """Return the decision function where the second label has this probability."""
        if self.loss == "logistic":
            return float(np.log(probability) - np.log1p(-probability))
        return 2 * probability - 1

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
