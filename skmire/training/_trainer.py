"""The trainer: mini-batches, one optimiser, one annealed schedule, the best state kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from torch.optim import Optimizer

from skmire._callbacks import Task
from skmire._logging import logger
from skmire._threads import single_thread
from skmire.networks import Field
from skmire.training._averaged import Averaged
from skmire.training._evaluate import evaluation, losses, to_evaluate
from skmire.training._guard import state_of
from skmire.training._last_layer import can_be_refitted, enough_of, refit_last_layer
from skmire.training._losses import LOSSES
from skmire.training._optimizers import OPTIMIZERS, make_optimizer
from skmire.training._record import Array, Evaluation, Training
from skmire.training._run import Run
from skmire.training._samples import Samples

_WORTH_THREADS = 10_000_000  # products of a step


class Trainer(BaseEstimator):
    """How a network is fitted: optimiser, schedule, batches, stopping.

    Each step descends the weighted mean of the loss over a random batch. The learning rate is
    annealed over the budget, ``learning_rate * decay ** progress`` with progress from 0 to 1 in
    epochs or in seconds, whichever is further, and then falls to 0 (`cooldown`). The best state
    seen is kept: the one after the epoch of lowest held-out loss if samples are held out, of lowest
    training loss otherwise. The last layer of a fit is then solved for (`polish`).

    Parameters
    ----------
    optimizer : {"adam", "adamw", "lbfgs", "muon", "soap"} or class, default="adam"
        The update rule, or a class of torch's kind, as ``torch.optim.NAdam``. ``"lbfgs"`` takes
        all samples at once and finds its step sizes by line search: a step is an epoch, and may
        take up to 25 passes. ``"muon"`` is for the matrices between hidden layers, with Adam for
        all else; it and ``"soap"`` take real weights only, and come with the extra ``optim``.
    learning_rate : float, default=1e-3
        Step size at the start, above 0. With a rule by name, that of weights between hidden layers
        is this times the atom's `step_rate` times 256 over the width, and weights before an atom of
        large scale get a smaller one, such that the changes of a unit's weights by this size, added
        up as if independent, turn it by no more than a third of a radian.
    optimizer_options : dict, default=None
        Further arguments of the optimiser, such as ``{"weight_decay": 1e-4}``. Rules by name have
        a weight decay of 0 unless it is given.
    warmup : float, default=0.0
        Share of the budget, in [0, 1), in which the step size grows from 0.
    decay : float, default=0.3
        Factor by which the step size has fallen at the end, in (0, 1], but for the cool-down.
    cooldown : float, default=0.1
        Share of the budget, in [0, 1), at its end, in which the step size falls to 0.
    average : bool, default=False
        Whether the weights are averaged over about the last ninth of the epochs, with weights that
        grow like their eighth power [1]_, where an epoch takes more than one step. Random batches
        leave the weights to wander around where they would be best; their mean is nearer. A
        training that cools down ends there by itself.
    polish : bool, default=True
        Whether the last layer of a fit is refitted in closed form at the end, where the loss is
        squared, values are those at points and no weights decay: by ridge regression on the values
        of the layer before, as strong as generalised cross-validation says [2]_. That is taken
        back where the loss rises, on the samples trained on or held out.
    batch_size : "auto", "all" or int, default="auto"
        Samples a step. ``"auto"`` takes a sixteenth of the samples, or what part a measurement
        says, between 32 and 1024. Batches of an epoch differ by at most one sample.
    loss : {"squared", "huber", "absolute", "logistic"}, default="squared"
        Loss on the scaled targets, averaged over outputs. ``"huber"`` is squared up to a tenth of
        the scaled range, and linear from there. With it and ``"absolute"`` outliers have no part
        in the scaling of values at points: of these a twentieth may be anything. ``"logistic"`` is
        for labels: `OccupancyEncoder` sets it.
    early_stopping : bool, default=False
        Hold samples out, and stop when their loss no longer falls.
    validation_fraction : float, default=0.1
        Share of the samples that is held out, in (0, 1), by `early_stopping` or by a growth that
        is judged by them. One split serves both. The look-ahead holds out a fifth by itself.
    n_iter_no_change : int, default=10
        With `early_stopping`, epochs without improvement before training stops.
    tol : float, default=1e-3
        With `early_stopping`, the relative fall of the loss that counts as improvement.

    References
    ----------
    .. [1] Shamir and Zhang, Stochastic gradient descent for non-smooth optimization, 2013, for
       averages of polynomial weight.
    .. [2] Golub, Heath and Wahba, Generalized Cross-Validation as a Method for Choosing a Good
       Ridge Parameter, Technometrics 21, 1979.

    Examples
    --------
    >>> from skmire import MIREncoder, Trainer
    >>> MIREncoder(trainer=Trainer(learning_rate=1e-3, loss="huber")).get_params()["trainer__loss"]
    'huber'
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "optimizer": [StrOptions(set(OPTIMIZERS)), callable],
        "optimizer_options": [dict, None],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "warmup": [Interval(Real, 0, 1, closed="left")],
        "decay": [Interval(Real, 0, 1, closed="right")],
        "cooldown": [Interval(Real, 0, 1, closed="left")],
        "average": ["boolean"],
        "polish": ["boolean"],
        "batch_size": [StrOptions({"auto", "all"}), Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions(set(LOSSES))],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        optimizer: str | Callable[..., Optimizer] = "adam",
        learning_rate: float = 1e-3,
        *,
        optimizer_options: Mapping[str, Any] | None = None,
        warmup: float = 0.0,
        decay: float = 0.3,
        cooldown: float = 0.1,
        average: bool = False,
        polish: bool = True,
        batch_size: int | str = "auto",
        loss: str = "squared",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-3,
    ) -> None:
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.optimizer_options = optimizer_options
        self.warmup = warmup
        self.decay = decay
        self.cooldown = cooldown
        self.average = average
        self.polish = polish
        self.batch_size = batch_size
        self.loss = loss
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol

    def train(
        self,
        field: Field,
        samples: Samples,
        held_out: Samples | None,
        *,
        epochs: int,
        seconds: float | None,
        generator: torch.Generator,
        task: Task,
        annealed: bool = True,
    ) -> Training:
        """Fit `field` in place, and leave it in the best state seen.

        Parameters
        ----------
        field : Field
            Its parameters that require gradients are trained.
        samples, held_out : Samples
            Those trained on, and those that the best state is chosen by, ``None`` without any.
        epochs : int
            Passes over the samples.
        seconds : float or None
            Time after which training stops, between two steps.
        generator : torch.Generator
            Source of the order of samples, on the CPU.
        task : Task
            Told of every epoch.
        annealed : bool, default=True
            Whether the step size falls over the budget. If not, as for one more batch of a stream,
            it is a tenth of what it is before it cools down.

        Returns
        -------
        training : Training
            Its losses, epoch by epoch, and why it ended.
        """
        run = Run(self, field, samples, epochs, seconds, generator, annealed)
        with self.threads_for(field, samples):
            return self._train(run, held_out, task)

    def _train(self, run: Run, held_out: Samples | None, task: Task) -> Training:
        field, samples, epochs = run.field, run.samples, run.epochs
        samples, held_out = to_evaluate(samples, held_out, run.seconds)
        averaged = Averaged(field) if self.average and run.n_batches > 1 else None
        shown = field if averaged is None else averaged.field
        curve: list[Array] = []
        held_out_curve: list[float] = []
        best, best_state, stale = np.inf, state_of(field), 0
        outcome, stale_state = "completed", False
        for epoch in range(epochs):
            epoch_task = task.start("epoch")
            curve.append(run.epoch(epoch))
            if averaged is not None:
                averaged.add(field, since=run.guard.n_returns)
            loss = float(curve[-1].mean())
            if held_out is not None:
                loss = float(self.evaluate(shown, held_out).mean())
                held_out_curve.append(loss)
            stale = 0 if loss < best * (1 - self.tol) else stale + 1
            stale_state = not loss < best
            if loss < best:
                best, best_state = loss, state_of(shown)
            if epoch_task.finish(shown):
                outcome = "stopped by a callback"
                break
            if run.guard.gave_up:
                outcome = "stopped: the loss rose again and again, whatever the step size"
                break
            if run.out_of_time:
                outcome = "time limit"
                break
            if self.early_stopping and stale >= self.n_iter_no_change:
                outcome = "early stopping"
                break
        cut_short = outcome in ("stopped by a callback", "time limit")
        last = kept = evaluation(shown, samples, held_out, loss=self.loss)
        ended = state_of(shown)
        if stale_state:
            shown.load_state_dict(best_state)
            kept = evaluation(shown, samples, held_out, loss=self.loss)
        # No loss says what the last update did; of a state chosen by held-out samples theirs does.
        if held_out is None and run.guard.is_lost(float(kept.train.mean())):
            run.guard.take_back()
            shown.load_state_dict(field.state_dict())
            kept = evaluation(shown, samples, held_out, loss=self.loss)
        if last.loss("held_out") < kept.loss("held_out"):  # losses of steps are not an average's
            shown.load_state_dict(ended)
            kept = last
        field.load_state_dict(shown.state_dict())
        if not np.isfinite(last.train).all():
            last = kept
        if not np.isfinite(best) or not np.isfinite(kept.train).all():
            outcome = "diverged: no finite loss"
        return Training(
            kept=kept,
            last=last,
            curve=np.array(curve),
            held_out_curve=None if held_out is None else np.array(held_out_curve),
            seconds=time.perf_counter() - run.begun,
            outcome=outcome,
            n_returns=run.guard.n_returns,
            cut_short=cut_short,
        )

    def finish(
        self,
        field: Field,
        samples: Samples,
        held_out: Samples | None,
        kept: Evaluation,
        *,
        seconds: float | None,
    ) -> Evaluation:
        """Refit the last layer of the network that a fit is left with, where `polish` has it so.

        Parameters
        ----------
        field : Field
            As trained; is changed in place.
        samples, held_out : Samples
            Those it was trained on, and those apart, ``None`` without any.
        kept : Evaluation
            Its losses.
        seconds : float or None
            The limit of its training, if that had one: then some of the samples have to do, a few
            for each column of the last layer.

        Returns
        -------
        kept : Evaluation
            Its losses now, which are no higher.
        """
        if not self.polish or self.loss != "squared" or samples.readout is not None:
            return kept
        if not can_be_refitted(field):
            return kept
        if any(group.get("weight_decay") for group in self.optimizer_for(field).param_groups):
            return kept
        before = state_of(field)
        with self.threads_for(field, samples):
            samples, held_out = to_evaluate(samples, held_out, seconds)
            enough = samples if seconds is None else enough_of(samples, field)
            try:
                refit_last_layer(field, enough)
            except RuntimeError as error:  # no convergence, no memory: the fit is not to be lost
                logger.warning("The last layer is left as trained: %s", error)
                return kept
            polished = evaluation(field, samples, held_out, loss=self.loss)
        if all(polished.loss(on) <= kept.loss(on) for on in ("train", "held_out")):
            return polished
        field.load_state_dict(before)
        return kept

    def optimizer_for(self, field: Field) -> Optimizer:
        """Return the optimiser of a training.

        Parameters
        ----------
        field : Field
            Whose parameters it is to step.

        Returns
        -------
        optimizer : torch.optim.Optimizer
            With no memory yet.
        """
        options = self.optimizer_options or {}
        return make_optimizer(self.optimizer, options, field, self.learning_rate)

    def threads_for(self, field: Field, samples: Samples) -> AbstractContextManager[None]:
        """Return a context with as many threads as a step is work for.

        With little to do they wait for each other: two gained nothing at half a million products a
        step, and a quarter at nine million (``benchmarks/step_size.py``). What is measured of a
        field takes many evaluations a sample.

        Parameters
        ----------
        field : Field
            The network.
        samples : Samples
            All there are.

        Returns
        -------
        context : context manager
            In which there is one thread, or as many as there were.
        """
        size = min(self.batch_size_for(samples), len(samples))
        if samples.readout is not None or size * field.n_parameters > _WORTH_THREADS:
            return nullcontext()
        return single_thread()

    @property
    def has_step_rates(self) -> bool:
        """Whether steps go with the step rates of atoms: with a rule by name but L-BFGS."""
        rule = self.optimizer
        return isinstance(rule, str) and not OPTIMIZERS[rule].full_batch

    def batch_size_for(self, samples: Samples) -> int:
        """Return how many samples a step takes.

        Parameters
        ----------
        samples : Samples
            All there are.

        Returns
        -------
        batch_size : int
            As `batch_size` says; batches may differ by a sample.
        """
        if not isinstance(self.batch_size, str):
            return self.batch_size
        rule = self.optimizer
        full_batch = isinstance(rule, str) and OPTIMIZERS[rule].full_batch
        if full_batch or self.batch_size == "all":
            return len(samples)
        return min(max(len(samples) // samples.n_batches, 32), 1_024)

    def rate_at(self, progress: float) -> float:
        """Return the learning rate at a point of the schedule.

        Parameters
        ----------
        progress : float
            From 0 at the start to 1 at the end.

        Returns
        -------
        rate : float
            Before the shares that weights before large scales have of it.
        """
        warm = min(progress / self.warmup, 1.0) if self.warmup else 1.0
        cool = min((1 - progress) / self.cooldown, 1.0) if self.cooldown else 1.0
        return float(self.learning_rate * warm * cool * self.decay**progress)

    def evaluate(self, field: Field, samples: Samples) -> Array:
        """Return the weighted mean loss of `field` on `samples`, output by output.

        Parameters
        ----------
        field : Field
            Is left as it is.
        samples : Samples
            Their weights count.

        Returns
        -------
        losses : ndarray of shape (n_outputs,)
            On scaled values.
        """
        return losses(field, samples, loss=self.loss)
