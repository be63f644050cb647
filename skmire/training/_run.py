"""A training run under way: batches, the optimiser's state, the clock."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from skmire._logging import logger
from skmire.measurements import sweep_through
from skmire.networks import Field
from skmire.training._guard import STRETCH, WINDOW, Guard
from skmire.training._losses import LOSSES
from skmire.training._record import Array
from skmire.training._samples import Samples

if TYPE_CHECKING:
    from skmire.training._trainer import Trainer

_LOOK = 4_096  # samples, at most
_PATIENCE, _STEPS = 4, 64  # epochs of a loss that has crept up, and steps in them, at least
# Of the rate before it cools down, for one more batch: at that itself a fit is lost on the batch
# (benchmarks/streams.py).
_STREAM = 0.1
_LATE = 0.85  # share of the budget after which too little is left to recover from a return


class _Sum:
    """Losses that are added up, and over how many samples."""

    def __init__(self) -> None:
        self.total: Tensor | float = 0.0
        self.n = 0

    def add(self, losses: Tensor | float, n: int) -> None:
        self.total, self.n = self.total + losses, self.n + n

    def mean(self) -> Array:
        """Return the mean over samples, output by output."""
        return np.asarray((torch.as_tensor(self.total) / self.n).double().cpu().numpy())


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
    annealed : bool
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
        annealed: bool,
    ) -> None:
        self.begun, self.seconds, self.annealed = time.perf_counter(), seconds, annealed
        self.trainer, self.field, self.generator = trainer, field, generator
        self.samples = samples = replace(samples, together=None)  # which no step needs
        self.n_batches = -(-len(samples) // trainer.batch_size_for(samples))
        self.epochs, self.steps = epochs, epochs * self.n_batches
        self.loss = LOSSES[trainer.loss]
        self._part = samples.some(_LOOK)
        self.sweep = sweep_through(field, samples.readout, generator)
        targets = samples.targets
        constant = float(samples.weigh(self.loss.value(torch.zeros_like(targets), targets)).mean())
        with trainer.threads_for(field, samples):
            self.guard = Guard(field, constant=constant, look=self.look, patience=self._patience)
        self.optimizer = trainer.optimizer_for(field)

    @property
    def time_spent(self) -> float:
        """Share of the time limit that is spent; 0 without one."""
        return 0.0 if self.seconds is None else (time.perf_counter() - self.begun) / self.seconds

    @property
    def out_of_time(self) -> bool:
        """Whether the time limit has passed."""
        return self.time_spent >= 1

    def epoch(self, epoch: int) -> Array:
        """Pass over the samples once; return the mean loss of the steps, output by output.

        Steps that an alarm has undone are left out; if all were, it is that of the best stretch.
        """
        batches = self._order().to(self.samples.inputs.device).tensor_split(self.n_batches)
        windows = np.array_split(np.arange(self.n_batches), -(-self.n_batches // WINDOW))
        stretches = np.array_split(np.arange(len(windows)), -(-len(windows) // STRETCH))
        ends = {int(part[-1]) for part in stretches}
        total, stretch = _Sum(), _Sum()
        for count, steps in enumerate(windows):
            window = _Sum()
            for i in steps:
                spent = max((epoch * self.n_batches + int(i)) / self.steps, self.time_spent)
                if spent >= 1 and total.n + stretch.n + window.n:
                    break
                self._set_rate(min(spent, 1.0))
                window.add(self._step(self.samples.take(batches[i])), len(batches[i]))
            if not window.n:
                break
            if self.guard.accepts(float(window.mean().mean())):
                stretch.add(window.total, window.n)
            elif self.guard.gave_up:
                break
            else:
                self._start_smaller(epoch)
            if stretch.n and count in ends:
                self.guard.end_stretch(stretch.mean())
                total.add(stretch.total, stretch.n)
                stretch = _Sum()
        total.add(stretch.total, stretch.n)
        if not total.n:
            return np.broadcast_to(self.guard.best_losses, self.samples.targets.shape[1:])
        losses = total.mean()
        is_late = max((epoch + 1) / self.epochs, self.time_spent) > _LATE
        if not (is_late or self.guard.gave_up or self.guard.end_epoch(float(losses.mean()))):
            self._start_smaller(epoch)
        return losses

    def look(self) -> float:
        """Return the present loss on a fixed part of the samples."""
        return float(self.trainer.evaluate(self.field, self._part).mean())

    @property
    def _patience(self) -> float:
        """For how many epochs a loss may have crept up; for ever where an epoch is one step.

        Those of a single batch rise and fall by themselves.
        """
        return max(_PATIENCE, -(-_STEPS // self.n_batches)) if self.n_batches > 1 else math.inf

    def _order(self) -> Tensor:
        """Return the samples of an epoch in the order they are taken, on the CPU."""
        if self.n_batches == 1:  # nothing to shuffle
            return torch.arange(len(self.samples))
        return torch.randperm(len(self.samples), generator=self.generator)

    def _set_rate(self, progress: float) -> None:
        if isinstance(self.optimizer, torch.optim.LBFGS):  # which finds its own from 1
            self.optimizer.param_groups[0]["lr"] = self.guard.factor
            return
        trainer = self.trainer
        of_stream = _STREAM * trainer.decay * trainer.learning_rate
        rate = (trainer.rate_at(progress) if self.annealed else of_stream) * self.guard.factor
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("share", 1.0)

    def _start_smaller(self, epoch: int) -> None:
        self.optimizer = self.trainer.optimizer_for(self.field)
        logger.info(
            "The loss rose in epoch %d; back to a better state, with %.2g of the step size.",
            epoch + 1,
            self.guard.factor,
        )

    def _step(self, batch: Samples) -> Tensor:
        """Take a step; return the sum of the losses before it, output by output."""
        losses: list[Tensor] = []

        def closure() -> Tensor:
            total = torch.zeros_like(batch.targets[0])

            def respond(values: Tensor, rows: slice) -> Tensor:
                part = batch.take(rows)
                total.add_(part.weigh(self.loss.value(values, part.targets)).sum(0))
                slope = self.loss.slope(values, part.targets)
                return part.weigh(slope).div_(batch.targets.numel())

            self.sweep(batch.inputs, respond)
            losses.append(total)
            return total.sum() / batch.targets.numel()

        if isinstance(self.optimizer, torch.optim.LBFGS):
            self.optimizer.step(closure)  # type: ignore[no-untyped-call]
        else:
            closure()
            self.optimizer.step()
        return losses[0]
