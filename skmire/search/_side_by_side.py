"""Candidates trained side by side, with the same result whatever the number of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn import config_context, get_config

from skmire._callbacks import Task
from skmire._threads import single_thread, threads_restored
from skmire.atoms import Atom
from skmire.networks import LayeredField
from skmire.search._base import SearchProblem, train_candidate
from skmire.training import Trainer, Training

Run = tuple[LayeredField, Training]
T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """A network to be trained.

    Parameters
    ----------
    name : str
        What its task is called.
    atoms : tuple of Atom
        One a layer, with the parameters to start from; no other network's.
    seed : int
        Of its weights and batches.
    frozen : int, default=0
        How many of the first layers keep the parameters of their atoms.
    """

    name: str
    atoms: tuple[Atom, ...]
    seed: int
    frozen: int = 0


def train_side_by_side(
    problem: SearchProblem,
    trainer: Trainer,
    plans: Sequence[Plan],
    *,
    epochs: int,
    seconds: float | None,
    task: Task,
) -> Iterator[Run]:
    """Yield network and training of each plan, in order; fewer if a callback wants no more.

    Parameters
    ----------
    problem : SearchProblem
        The samples, and how many workers there may be.
    trainer : Trainer
        What fits a network.
    plans : sequence of Plan
        A lone one has all threads; of several, each has one.
    epochs : int
        Passes over the samples for each.
    seconds : float or None
        Time for all of them together.
    task : Task
        Its subtasks are the candidates.
    """
    lone = len(plans) == 1
    n_jobs = jobs_for(problem, len(plans))
    turns = n_turns(problem, len(plans))
    halt = _Halt()
    train = partial(
        _try,
        problem,
        trainer,
        epochs=epochs,
        seconds=None if seconds is None else seconds / turns,
        lone=lone,
        halt=halt,
        task=task,
    )
    runs = side_by_side(train, enumerate(plans), n_jobs=n_jobs)
    with threads_restored():
        yield from _drained(runs, halt)


def n_turns(problem: SearchProblem, n_plans: int) -> int:
    """Return how many candidates one worker trains one after another, of so many."""
    return -(-n_plans // int(effective_n_jobs(jobs_for(problem, n_plans))))


def jobs_for(problem: SearchProblem, n_plans: int) -> int | None:
    """Return how many workers there may be: on an accelerator, or for one candidate, one."""
    on_cpu = problem.samples.inputs.device.type == "cpu"
    return problem.n_jobs if on_cpu and n_plans > 1 else 1


def side_by_side(
    function: Callable[..., T], calls: Iterable[tuple[Any, ...]], *, n_jobs: int | None
) -> Iterator[T]:
    """Yield what `function` gives for the arguments of each call, in order, from joblib's workers.

    They have scikit-learn's configuration of this thread. Its own ``Parallel`` would see to that,
    but also sets warning filters in every worker and puts them back; workers that are threads share
    those filters, and in the end leave others behind than there were.
    """
    run = partial(_configured, get_config(), function)
    parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    results: Iterator[T] = parallel(delayed(run)(*call) for call in calls)
    return results


def _configured(config: Mapping[str, Any], function: Callable[..., T], *args: Any) -> T:
    with config_context(**config):
        return function(*args)


class _Halt:
    """Says after which candidate no other is wanted."""

    def __init__(self) -> None:
        self.after: float = np.inf

    def at(self, index: int) -> None:
        """Want none after this candidate."""
        self.after = min(self.after, index)

    def before(self, index: int) -> bool:
        """Return whether this candidate is not wanted."""
        return index > self.after


def _try(
    problem: SearchProblem,
    trainer: Trainer,
    index: int,
    plan: Plan,
    *,
    epochs: int,
    seconds: float | None,
    lone: bool,
    halt: _Halt,
    task: Task,
) -> Run | Exception | None:
    """Train one candidate in a worker; return its error if there is one, None if unwanted.

    An error that left a worker would leave others at work behind the caller's back.
    """
    if halt.before(index):
        return None
    try:
        own_task = task.start(
            f"candidate {plan.name}",
            index=index,
            n_subtasks=epochs,
            halted=partial(halt.before, index),
        )
        with nullcontext() if lone else single_thread():
            network, training = train_candidate(
                problem,
                trainer,
                plan.atoms,
                epochs=epochs,
                seconds=seconds,
                seed=plan.seed,
                task=own_task,
                frozen=plan.frozen,
            )
        if own_task.finish(network):
            halt.at(index)
    except Exception as error:
        halt.at(index)
        return error
    return network, training


def _drained(runs: Iterator[Run | Exception | None], halt: _Halt) -> Iterator[Run]:
    """Yield what was trained, up to the candidate after which none is wanted.

    Every worker has returned in the end. Which candidates count does not depend on how many of
    them ran side by side.
    """
    error: Exception | None = None
    try:
        for index, run in enumerate(runs):
            if isinstance(run, Exception):
                error = error or run
            elif run is not None and error is None and not halt.before(index):
                yield run
    except BaseException:  # an interrupt: have the workers end at their next epoch
        halt.at(-1)
        raise
    if error is not None:
        raise error
