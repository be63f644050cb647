"""About how long a round of a search will take, for whoever waits."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence

import torch
from joblib import effective_n_jobs
from torch import Tensor

from skmire._threads import single_thread
from skmire.measurements import sweep_through
from skmire.search._base import SearchProblem, is_finished
from skmire.search._side_by_side import Plan, jobs_for
from skmire.training import Trainer

_MOST, _AMPLE = 3 / 4, 2.0  # share of a time limit; times what a fit is thought to take


def unfinished(
    problem: SearchProblem,
    trainer: Trainer,
    plans: Sequence[Plan],
    *,
    epochs: int,
    seconds: float | None,
) -> list[Plan]:
    """Return the plans that are still to be trained: those that no checkpoint holds."""
    return [
        plan
        for plan in plans
        if not is_finished(
            problem,
            trainer,
            plan.atoms,
            epochs=epochs,
            seconds=seconds,
            seed=plan.seed,
            frozen=plan.frozen,
        )
    ]


def seconds_ahead(
    problem: SearchProblem, trainer: Trainer, plans: Sequence[Plan], epochs: int
) -> float:
    """Return roughly how many seconds the plans will take, from one step of each network."""
    samples = problem.samples
    size = min(trainer.batch_size_for(samples), len(samples))
    batch = samples.take(slice(size))
    spent = 0.0
    with single_thread():
        for plan in plans:
            network = problem.build(copy.deepcopy(plan.atoms), plan.seed)
            sweep = sweep_through(network, samples.readout)
            for repeat in range(2):  # the first one sets up its buffers
                begun = _now(batch.inputs)
                sweep(batch.inputs, lambda values, rows: values.sub_(batch.targets[rows]))
                spent += repeat * (_now(batch.inputs) - begun)
    workers = max(min(effective_n_jobs(jobs_for(problem, len(plans))), len(plans)), 1)
    return spent * epochs * len(samples) / size / float(workers)


class Reserve:
    """What a time limit leaves to the fit on all samples, after the rounds that judge sequences.

    Twice what the fit is thought to need, as that is a rough estimate, and at most three quarters
    of the limit.

    Parameters
    ----------
    problem : SearchProblem
        That of the fit.
    trainer : Trainer
    """

    def __init__(self, problem: SearchProblem, trainer: Trainer) -> None:
        self.problem, self.trainer, self.limit = problem, trainer, problem.seconds_left
        self._known: dict[int, float] = {}

    def seconds(self, fit: Plan) -> float:
        """Return how many there are for networks as deep as this; none without a limit."""
        if self.limit is None:
            return 0.0
        depth = len(fit.atoms)
        if depth not in self._known:
            needed = seconds_ahead(self.problem, self.trainer, [fit], self.problem.max_epochs)
            self._known[depth] = min(_MOST * self.limit, _AMPLE * needed)
        return self._known[depth]


def _now(of: Tensor) -> float:
    """Return the clock's time once the device of a tensor has done what it was told."""
    if of.is_cuda:
        torch.cuda.synchronize(of.device)
    return time.perf_counter()
