"""How a search goes about it: in time, from its seed alone, leaving everything else alone."""

from __future__ import annotations

import math
import time
import warnings
from contextlib import suppress
from itertools import product
from tempfile import TemporaryDirectory

import torch
from sklearn.base import clone

from skmire.atoms import ActivationDictionary, FunctionAtom, Gaussian, Sinusoid
from skmire.search import BaseLayerSearch, DivergenceError, threads_restored
from skmire.search._checkpoint import Checkpoint
from skmire.testing._atom_values import random_states
from skmire.testing._promise import expect, promise
from skmire.testing._search_setting import (
    PAIR,
    Log,
    Stopped,
    WatchedTask,
    atoms_of,
    difference,
    own_atoms,
    own_epochs,
    problem,
    run,
    runaway,
    samples,
    trainings,
)
from skmire.training import Samples, Trainer


@promise(
    "A search ends soon after its deadline, and returns a network that was trained.",
    "Pass each training its share of problem.seconds_left; that is never 0, so even a late "
    "candidate takes a step.",
)
def check_deadline(search: BaseLayerSearch) -> None:
    most = 400
    result = run(search, max_epochs=most, deadline=time.monotonic() - 1)
    expect(_finite(result.network), "past the deadline, its network is not finite")
    expect(
        result.effective_epochs < most or own_epochs(search),
        f"with the deadline past from the start, it trained for all of {most} epochs",
    )


@promise(
    "The same problem and seed give the same result, bit for bit, and another seed another.",
    "Derive every draw from problem.seed, as in np.random.default_rng([problem.seed, i]).",
)
def check_seed(search: BaseLayerSearch) -> None:
    first = run(search)
    differ = difference(first, run(search))
    expect(not differ, f"a second time, {differ} differs")
    expect(difference(first, run(search, seed=4)) != "", "another seed gives the same networks")


@promise(
    "The result does not depend on n_jobs.",
    "Take the seed of a candidate from its place in the search, not from the worker or the "
    "order in which candidates finish, and train candidates that run side by side within "
    "skmire.search.single_thread().",
)
def check_n_jobs(search: BaseLayerSearch) -> None:
    differ = difference(run(search, n_jobs=1), run(search, n_jobs=2))
    expect(not differ, f"with n_jobs=2, {differ} differs")


@promise(
    "A search object holds hyper-parameters only: searching changes nothing on it, and what it "
    "found before has no influence.",
    "Keep what belongs to one search in local variables, and copy atoms before they are trained.",
)
def check_no_state_on_the_search(search: BaseLayerSearch) -> None:
    used: BaseLayerSearch = clone(search)
    before = _attributes(used)
    first = used.search(problem(), Trainer())
    after = _attributes(used)
    changed = sorted(k for k in {*before, *after} if before.get(k) != after.get(k))
    expect(not changed, f"searching changes {', '.join(changed)}")
    differ = difference(first, used.search(problem(), Trainer()))
    expect(not differ, f"searching again with the same object, {differ} differs")


def _attributes(search: BaseLayerSearch) -> dict[str, str]:
    """Attributes as text; that of an atom shows the values of its parameters."""
    return {name: repr(value) for name, value in vars(search).items()}


@promise(
    "A search leaves samples, dictionary and trainer as they are, and no two layers of what it "
    "returns share an atom.",
    "Start atoms with problem.initialise, which copies; copy.deepcopy those that go "
    "from one network to the next.",
)
def check_nothing_given_is_changed(search: BaseLayerSearch) -> None:
    data, trainer = samples(weighted=True), Trainer()
    held = [Sinusoid(), Gaussian(scale=3.0)]
    tensors = [t for t in (data.inputs, data.targets, data.weights) if t is not None]
    before = [t.clone() for t in tensors], [a.values() for a in held], repr(trainer)
    result = run(search, trainer, samples=data, dictionary=ActivationDictionary(held))
    expect(all(map(torch.equal, before[0], tensors)), "the samples have changed")
    expect(before[1] == [a.values() for a in held], "atoms of the dictionary were trained")
    expect(before[2] == repr(trainer), "the trainer has changed")
    atoms = [*held, *atoms_of(result)]
    expect(len(set(map(id, atoms))) == len(atoms), "one atom is in two places")


@promise(
    "A search leaves global settings alone: random states, threads and defaults of torch, the "
    "filters of warnings.",
    "Draw from generators of your own; torch.set_num_threads within "
    "skmire.search.threads_restored(); no warnings.catch_warnings in threads.",
)
def check_global_state(search: BaseLayerSearch) -> None:
    with threads_restored():
        torch.set_num_threads(2)
        before = {**random_states(), **_defaults()}
        run(search, n_jobs=2, max_epochs=1, hidden_width=2)
        after = {**random_states(), **_defaults()}
    changed = [name for name in before if before[name] != after[name]]
    expect(not changed, f"a search changes, globally: {', '.join(changed)}")


def _defaults() -> dict[str, object]:
    return {
        "torch's number of threads": torch.get_num_threads(),
        "torch's default dtype": torch.get_default_dtype(),
        "torch's gradient mode": torch.is_grad_enabled(),
        "torch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
        "the filters of warnings": list(warnings.filters),
    }


@promise(
    "A candidate that diverges is recorded, with a loss that is not a number, and passed over. "
    "(Asked of searches that choose from the dictionary.)",
    "Set loss=float('nan') where training.diverged, and choose with numpy.nanargmin.",
)
def check_divergence_is_passed_over(search: BaseLayerSearch) -> None:
    if own_atoms(search):
        return
    dictionary = ActivationDictionary([FunctionAtom(runaway), *PAIR])
    survived = False
    for seed in range(6):  # a search that draws its sequences may have drawn none without it
        try:
            with trainings() as trained:
                result = run(search, dictionary=dictionary, seed=seed)
        except DivergenceError:
            continue
        survived = True
        expect("runaway" not in result.sequence, "it returns a network that is not finite")
        lost = [c for c in result.trace if c.training.diverged]
        count = sum(training.diverged for training in trained)
        expect(len(lost) == count, f"{count} trainings diverged and {len(lost)} are in the trace")
        for candidate in lost:
            expect(
                math.isnan(candidate.loss) and not candidate.chosen,
                f"one that diverged has loss {candidate.loss}, chosen={candidate.chosen}",
            )
    expect(survived, "one bad atom of three made it fail with every seed")


@promise(
    "Where all training diverges, a search raises skmire.search.DivergenceError, which says so.",
    "Raise DivergenceError, with the outcomes of the trainings and what to change, when no "
    "candidate of a stage has a finite loss.",
)
def check_divergence_error(search: BaseLayerSearch) -> None:
    data = samples()
    hopeless = Samples(data.inputs, data.targets * float("nan"))
    try:
        result = run(search, samples=hopeless)
    except DivergenceError as error:
        expect("diverged" in str(error), f"its message is {str(error)!r}")
        return
    expect(False, f"it returns {result.sequence}")


@promise(
    "Tasks that a search begins, it ends, once each; when a task that ends asks to leave out "
    "those that would follow, it still returns a fit.",
    "Call task.finish(network) after each training; where that is true, leave the loop.",
)
def check_tasks(search: BaseLayerSearch) -> None:
    for stop, n_jobs in product((False, True), (None, 2)):
        log = Log()
        result = run(search, task=WatchedTask(log, stop=stop), n_jobs=n_jobs)
        left = sorted(set(log.begun) - set(log.ended))
        expect(
            sorted(log.begun) == sorted(log.ended),
            f"with stop={stop} and n_jobs={n_jobs}, {len(log.begun)} tasks began and "
            f"{len(log.ended)} ended; without end: {left}",
        )
        expect(_finite(result.network), f"with stop={stop} its network is not finite")


@promise(
    "With a checkpoint, a search that was stopped ends, when it is run again, as one that was not, "
    "and what it had trained is not trained again.",
    "Train with train_candidate, on the problem given or on one made of it by dataclasses.replace; "
    "draw from problem.seed, and do not ask what the checkpoint holds.",
)
def check_resumed(search: BaseLayerSearch) -> None:
    with trainings() as trained:
        plain = run(search)
    n_all = len(trained)
    with TemporaryDirectory() as folder:
        checkpoint = Checkpoint.opened(folder, {})
        with trainings(n_all // 2) as trained, suppress(Stopped):
            run(search, checkpoint=checkpoint)
        n_left = n_all - len(trained)
        for how, most in (("stopped and resumed", n_left), ("finished and run again", 0)):
            with trainings() as trained:
                differ = difference(plain, run(search, checkpoint=checkpoint))
            expect(not differ, f"{how}, {differ} differs")
            expect(
                len(trained) <= most,
                f"{how}, it trained {len(trained)} of {n_all} networks, where {most} were left",
            )


def _finite(network: torch.nn.Module) -> bool:
    """Return whether a network of one coordinate is finite."""
    with torch.no_grad():
        return bool(network(samples().inputs).isfinite().all())


CHECKS = (
    check_deadline,
    check_seed,
    check_n_jobs,
    check_no_state_on_the_search,
    check_nothing_given_is_changed,
    check_global_state,
    check_divergence_is_passed_over,
    check_divergence_error,
    check_tasks,
    check_resumed,
)
