"""A training run under way: batches, the optimiser's state, the clock."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from skmire._logging import logger
from skmire.networks import Field, sweep_of
from skmire.training._guard import WINDOW, Guard
from skmire.training._losses import LOSSES
from skmire.training._optimizers import make_optimizer
from skmire.training._record import Array
from skmire.training._samples import Samples

if TYPE_CHECKING:
    from skmire.training._trainer import Trainer

_WORTH_THREADS = 10_000_000


class Run:
    """A training run under way.

    Parameters
    ----------
    trainer : Trainer
    field : Field
    samples : Samples
    epochs : int
    seconds : float or None
    generator : torch.Generator
    progress : float
        As in `Trainer.train`.
    """

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
        self.begun, self.seconds, self.progress = time.perf_counter(), seconds, progress
        self.trainer, self.field, self.samples, self.generator = trainer, field, samples, generator
        self.n_batches = -(-len(samples) // trainer.batch_size_for(len(samples)))
        self.epochs, self.steps = epochs, epochs * self.n_batches
        self.loss, self.sweep = LOSSES[trainer.loss], sweep_of(field)
        self.guard = Guard(
            field,
            constant=float(samples.weigh(self.loss.value(samples.targets)).mean()),
            initial=float(trainer.evaluate(field, samples.take(slice(0, 4_096))).mean()),
        )
        self.optimizer = self._fresh_optimizer()

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
        """Whether the time limit has passed."""
        return self.time_spent >= 1

    def epoch(self, epoch: int) -> Array:
        """Pass over the samples once; return the mean loss of the steps, output by output."""
        batches = self._order().to(self.samples.inputs.device).tensor_split(self.n_batches)
        total, seen = torch.zeros_like(self.samples.targets[0]), 0
        for first in range(0, self.n_batches, WINDOW):
            window, n_window = torch.zeros_like(total), 0
            for i in range(first, min(first + WINDOW, self.n_batches)):
                spent = max((epoch * self.n_batches + i) / self.steps, self.time_spent)
                if spent >= 1 and seen + n_window:
                    break
                self._set_rate(self.progress + (1 - self.progress) * min(spent, 1.0))
                window += self._step(self.samples.take(batches[i]))
                n_window += len(batches[i])
            if not n_window:
                break
            if self.guard.accepts(window / n_window):
                total, seen = total + window, seen + n_window
            else:
                self._start_smaller(epoch)
        if seen:
            mean = total / seen
            self.guard.end_epoch(float(mean.mean()))
        elif self.guard.best_losses is not None:  # what the network has gone back to
            mean = self.guard.best_losses
        else:
            mean = torch.full_like(total, math.nan)
        return np.asarray(mean.double().cpu().numpy())

    def _order(self) -> Tensor:
        """Return the samples of an epoch in the order they are taken, on the CPU."""
        if self.n_batches == 1:  # nothing to shuffle
            return torch.arange(len(self.samples))
        return torch.randperm(len(self.samples), generator=self.generator)

    def _fresh_optimizer(self) -> torch.optim.Optimizer:
        trainer = self.trainer
        return make_optimizer(
            trainer.optimizer,
            trainer.optimizer_options or {},
            self.field,
            trainer.learning_rate * self.guard.factor,
        )

    def _set_rate(self, progress: float) -> None:
        if isinstance(self.optimizer, torch.optim.LBFGS):  # which finds its own
            return
        rate = self.trainer.rate_at(progress) * self.guard.factor
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("share", 1.0)

    def _start_smaller(self, epoch: int) -> None:
        self.optimizer = self._fresh_optimizer()
        logger.info(
            "The loss rose in epoch %d; back to the best state, with %.2g of the step size.",
            epoch + 1,
            self.guard.factor,
        )

    def _step(self, batch: Samples) -> Tensor:
        """Take a step; return the sum of the losses before it, output by output."""
        losses: list[Tensor] = []

        def closure() -> float:
            total = torch.zeros_like(batch.targets[0])

            def respond(values: Tensor, rows: slice) -> Tensor:
                part = batch.take(rows)
                residual = values.sub_(part.targets)
                total.add_(part.weigh(self.loss.value(residual)).sum(0))
                return part.weigh(self.loss.slope(residual)).div_(batch.targets.numel())

            self.sweep(batch.inputs, respond)
            losses.append(total)
            return float(total.sum()) / batch.targets.numel()

        if isinstance(self.optimizer, torch.optim.LBFGS):
            self.optimizer.step(closure)  # type: ignore[no-untyped-call]
        else:
            closure()
            self.optimizer.step()
        return losses[0]
