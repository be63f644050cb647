"""The trainer: mini-batches, one optimiser, one annealed schedule, the best state kept."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor

from skmire._callbacks import Task
from skmire._threads import single_thread
from skmire.networks import Field, sweep_of
from skmire.training._losses import LOSSES
from skmire.training._samples import Samples

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """Losses of one state of a network, output by output, in the scaled targets.

    Parameters
    ----------
    train : ndarray of shape (n_outputs,)
        On the samples trained on.
    held_out : ndarray of shape (n_outputs,), default=None
        On the samples held out; ``None`` if there are none.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.training import Evaluation
    >>> Evaluation(train=np.array([0.25, 0.75])).loss("held_out")  # there is only one part
    0.5
    """

    train: Array
    held_out: Array | None = None

    def loss(self, on: Literal["train", "held_out"]) -> float:
        """Return the mean over outputs of the losses on one part.

        Parameters
        ----------
        on : {"train", "held_out"}
            Which part; without held-out samples, both are `train`.

        Returns
        -------
        loss : float
            On scaled values.
        """
        losses = self.train if on == "train" or self.held_out is None else self.held_out
        return float(losses.mean())


@dataclass(frozen=True)
class Training:
    """What a training run leaves behind; the network itself holds the kept state.

    Parameters
    ----------
    kept, last : Evaluation
        Of the best state, which the network is left in, and of the state after the last epoch.
    curve : ndarray of shape (n_epochs, n_outputs)
        Loss of each epoch, output by output: the mean over its steps, each before its update.
    held_out_curve : ndarray of shape (n_epochs,) or None
        Held-out loss after each epoch.
    seconds : float
        Wall-clock time.
    outcome : str
        ``"completed"``, why it ended early, or ``"diverged: ..."``.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import FixedSequence, MIREncoder
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = MIREncoder(search=FixedSequence("gaussian"), max_epochs=5)
    >>> training = encoder.fit(x, np.cos(20 * x[:, 0])).search_result_.trace[0].training
    >>> training.outcome, training.curve.shape
    ('completed', (5, 1))
    """

    kept: Evaluation
    last: Evaluation
    curve: Array
    held_out_curve: Array | None
    seconds: float
    outcome: str

    @property
    def diverged(self) -> bool:
        """Whether the loss left the finite numbers."""
        return self.outcome.startswith("diverged")


class Trainer(BaseEstimator):
    """How a network is fitted: optimiser, schedule, batches, stopping.

    Each step descends the weighted mean of the loss over a random batch. The learning rate is
    annealed over the budget, ``learning_rate * decay ** progress`` with progress from 0 to 1 in
    epochs or in seconds, whichever is further. The best state seen is kept: the one after the
    epoch of lowest held-out loss if samples are held out, of lowest training loss otherwise.

    Parameters
    ----------
    optimizer : {"adam"}, default="adam"
        The update rule.
    learning_rate : float, default=1e-3
        Step size at the start, above 0.
    decay : float, default=0.1
        Factor by which the step size has fallen at the end, in (0, 1].
    batch_size : "auto" or int, default="auto"
        Samples a step. ``"auto"`` takes a sixteenth of the samples, between 32 and 1024. Batches
        of an epoch differ by at most one sample.
    loss : {"squared", "huber", "absolute"}, default="squared"
        Loss on the scaled targets, averaged over outputs. ``"huber"`` is squared up to a tenth of
        the targets' largest deviation from their mean, and linear from there.
    early_stopping : bool, default=False
        Hold samples out, and stop when their loss no longer falls.
    validation_fraction : float, default=0.1
        Share of the samples that is held out, in (0, 1), if any are: by `early_stopping` or by
        a search that selects on held-out samples. One split serves both.
    n_iter_no_change : int, default=10
        With `early_stopping`, epochs without improvement before training stops.
    tol : float, default=1e-3
        With `early_stopping`, the relative fall of the loss that counts as improvement.

    Examples
    --------
    >>> from skmire import MIREncoder, Trainer
    >>> MIREncoder(trainer=Trainer(learning_rate=1e-3, loss="huber")).get_params()["trainer__loss"]
    'huber'
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "optimizer": [StrOptions({"adam"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "decay": [Interval(Real, 0, 1, closed="right")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions(set(LOSSES))],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        *,
        decay: float = 0.1,
        batch_size: int | str = "auto",
        loss: str = "squared",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-3,
    ) -> None:
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.decay = decay
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
        progress: float = 0.0,
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
        progress : float, default=0.0
            Where on the schedule to start, in [0, 1]; 1 keeps the final step size throughout.

        Returns
        -------
        training : Training
            Its losses, epoch by epoch, and why it ended.
        """
        run = _Run(self, field, samples, epochs, seconds, generator, progress)
        with nullcontext() if run.is_worth_threads else single_thread():
            return self._train(run, held_out, task)

    def _train(self, run: _Run, held_out: Samples | None, task: Task) -> Training:
        field, samples, epochs = run.field, run.samples, run.epochs
        curve: list[Array] = []
        held_out_curve: list[float] = []
        best, best_state, stale = np.inf, _state(field), 0
        outcome, stale_state = "completed", False
        for epoch in range(epochs):
            epoch_task = task.start("epoch")
            curve.append(run.epoch(epoch))
            if not np.isfinite(curve[-1]).all():
                outcome = f"diverged: loss not finite in epoch {epoch + 1} of {epochs}"
                stale_state = True
                epoch_task.finish()
                break
            loss = float(curve[-1].mean())
            if held_out is not None:
                loss = float(self.evaluate(field, held_out).mean())
                held_out_curve.append(loss)
            stale = 0 if loss < best * (1 - self.tol) else stale + 1
            stale_state = loss >= best
            if loss < best:
                best, best_state = loss, _state(field)
            if epoch_task.finish(field):
                outcome = "stopped by a callback"
                break
            if run.out_of_time:
                outcome = "time limit"
                break
            if self.early_stopping and stale >= self.n_iter_no_change:
                outcome = "early stopping"
                break
        last = kept = self._evaluation(field, samples, held_out)
        if stale_state:
            field.load_state_dict(best_state)
            kept = self._evaluation(field, samples, held_out)
        if not outcome.startswith("diverged") and not np.isfinite([last.train, kept.train]).all():
            outcome = "diverged: loss not finite after the last step"
        return Training(
            kept=kept,
            last=last,
            curve=np.array(curve),
            held_out_curve=None if held_out is None else np.array(held_out_curve),
            seconds=time.perf_counter() - run.begun,
            outcome=outcome,
        )

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
        loss = LOSSES[self.loss]
        total = torch.zeros(samples.targets.shape[1], dtype=torch.float64)
        with torch.no_grad():
            for start in range(0, len(samples), _EVALUATION_BLOCK):
                block = samples.take(slice(start, start + _EVALUATION_BLOCK))
                losses = _weighted(loss.value(field(block.inputs) - block.targets), block)
                total += losses.sum(0).double().cpu()
        return np.asarray((total / len(samples)).numpy())

    def _evaluation(self, field: Field, samples: Samples, held_out: Samples | None) -> Evaluation:
        return Evaluation(
            self.evaluate(field, samples),
            None if held_out is None else self.evaluate(field, held_out),
        )


_EVALUATION_BLOCK = 4_096
_WORTH_THREADS = 10_000_000


class _Run:
    """A training run under way: the optimiser's state and the clock."""

    def __init__(
        self,
        trainer: Trainer,
        field: Field,
        samples: Samples,
        epochs: int,
        seconds: float | None,
        generator: torch.Generator,
        progress: float,
    ) -> None:
        n = len(samples)
        size = trainer.batch_size
        if isinstance(size, str):
            size = min(max(n // 16, 32), 1_024)
        self.n_batches = -(-n // size)
        self.epochs, self.steps = epochs, epochs * self.n_batches
        self.trainer, self.field, self.samples, self.generator = trainer, field, samples, generator
        self.loss, self.sweep = LOSSES[trainer.loss], sweep_of(field)
        self.begun, self.seconds, self.progress = time.perf_counter(), seconds, progress
        parameters = [p for p in field.parameters() if p.requires_grad]
        # One pass over the parameters a step, where torch has it: not for complex weights.
        fused = not any(p.is_complex() for p in parameters)
        self.optimizer = torch.optim.Adam(parameters, lr=trainer.learning_rate, fused=fused)

    @property
    def is_worth_threads(self) -> bool:
        """Whether a step is work enough for several threads; with less, they wait for each other.

        Two gained nothing at half a million products a step, and a quarter at nine million
        (``benchmarks/step_size.py``).
        """
        return len(self.samples) / self.n_batches * self.field.n_parameters > _WORTH_THREADS

    @property
    def time_spent(self) -> float:
        """Share of the time limit that is spent; 0 without one."""
        return 0.0 if self.seconds is None else (time.perf_counter() - self.begun) / self.seconds

    @property
    def out_of_time(self) -> bool:
        return self.time_spent >= 1

    def epoch(self, epoch: int) -> Array:
        """Pass over the samples once; return the mean loss of the steps, output by output."""
        device = self.samples.inputs.device
        n = len(self.samples)
        if self.n_batches == 1:  # nothing to shuffle
            order = torch.arange(n)
        else:
            order = torch.randperm(n, generator=self.generator)
        total, seen = torch.zeros((), device=device), 0
        for i, rows in enumerate(order.to(device).tensor_split(self.n_batches)):
            spent = max((epoch * self.n_batches + i) / self.steps, self.time_spent)
            if spent >= 1 and seen:
                break
            progress = self.progress + (1 - self.progress) * min(spent, 1.0)
            for group in self.optimizer.param_groups:
                group["lr"] = self.trainer.learning_rate * self.trainer.decay**progress
            total, seen = total + self._step(self.samples.take(rows)), seen + len(rows)
        return np.asarray((total / max(seen, 1)).double().cpu().numpy())

    def _step(self, batch: Samples) -> Tensor:
        """Take a step; return the sum of the losses before it, output by output."""
        total = torch.zeros_like(batch.targets[0])

        def respond(values: Tensor, rows: slice) -> Tensor:
            part = batch.take(rows)
            residual = values.sub_(part.targets)
            total.add_(_weighted(self.loss.value(residual), part).sum(0))
            return _weighted(self.loss.slope(residual), part).div_(batch.targets.numel())

        self.sweep(batch.inputs, respond)
        self.optimizer.step()
        return total


def _weighted(losses: Tensor, samples: Samples) -> Tensor:
    return losses if samples.weights is None else losses * samples.weights


def _state(field: Field) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in field.state_dict().items()}
