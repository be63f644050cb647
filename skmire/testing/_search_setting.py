"""Small problems for a search, and those who watch it at work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from math import inf
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from sklearn.base import clone
from torch import Tensor

from skmire._callbacks import Task
from skmire.atoms import ActivationDictionary, Atom, make_atom
from skmire.networks import Architecture, LayeredField
from skmire.search import BaseLayerSearch, SearchProblem, SearchResult
from skmire.testing._promise import expect
from skmire.training import Samples, Trainer, Training

PAIR = ("sinusoid", "gaussian")


@dataclass
class Log:
    """Names of the tasks of a search, in the order in which they began and ended."""

    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


class WatchedTask(Task):
    """A task that notes the beginning and the end of those under it.

    Parameters
    ----------
    log : Log
    stop : bool, default=False
        Whether every task that ends asks to leave out those that would follow.
    name : str, default="fit"
    """

    def __init__(self, log: Log, *, stop: bool = False, name: str = "fit") -> None:
        self._log, self._stop, self._name = log, stop, name

    def start(self, name: str, **options: Any) -> Task:
        self._log.begun.append(name)
        return WatchedTask(self._log, stop=self._stop, name=name)

    def finish(self, network: Any = None) -> bool:
        self._log.ended.append(self._name)
        return self._stop


class Stopped(Exception):
    """What ends a training after which none is wanted."""


@contextmanager
def trainings(most: float = inf) -> Iterator[list[Training]]:
    """Keep what trainers train meanwhile, for the search's own account to be held against.

    After as many as `most`, they raise `Stopped`. It is the class that is watched, as a search may
    clone the trainer it is given.
    """
    kept: list[Training] = []
    train = Trainer.train

    @wraps(train)
    def noted(*args: Any, **kwargs: Any) -> Training:
        if len(kept) >= most:
            raise Stopped
        kept.append(training := train(*args, **kwargs))
        return training

    with patch.object(Trainer, "train", noted):
        yield kept


def samples(n_dims: int = 1, n_outputs: int = 1, *, n: int = 40, weighted: bool = False) -> Samples:
    """Return samples of waves, in [-1, 1], with weights of mean 1 if asked for."""
    rng = np.random.default_rng(1)
    coords = rng.uniform(-1, 1, (n, n_dims))
    waves = np.sin(np.add.outer(3 * coords.sum(axis=1), np.arange(n_outputs)))
    weights = np.linspace(0.01, 1.99, n)[:, None]
    return Samples(
        torch.tensor(coords),
        torch.tensor(waves),
        torch.tensor(weights) if weighted else None,
    )


def problem(**changes: Any) -> SearchProblem:
    """Return a problem that takes milliseconds to search, but for `changes`."""
    plain = SearchProblem(
        samples=samples(),
        held_out=None,
        dictionary=ActivationDictionary(PAIR),
        architecture=Architecture(),
        hidden_width=8,
        max_epochs=5,
        deadline=None,
        seed=3,
        n_jobs=None,
        verbose=0,
        task=WatchedTask(Log()),
    )
    return replace(plain, **changes)


def run(search: BaseLayerSearch, trainer: Trainer | None = None, **changes: Any) -> SearchResult:
    """Have a clone of `search` search the problem with these `changes`."""
    copied: BaseLayerSearch = clone(search)
    result = copied.search(problem(**changes), trainer or Trainer())
    expect(bool(getattr(result, "networks", True)), "SearchResult.networks is empty")
    return result


def parameters(search: BaseLayerSearch) -> dict[str, Any]:
    """Return the parameters of a search and those that the classes it derives from store."""
    kinds = type(search).__mro__
    names = {name for kind in kinds for name in getattr(kind, "_get_param_names", tuple)()}
    return {name: getattr(search, name) for name in names if hasattr(search, name)}


def own_atoms(search: BaseLayerSearch) -> set[str]:
    """Return the names of the atoms that the search's `parameters` hold.

    A search that has any does not, or not only, choose from the dictionary.
    """
    names = set()
    for value in parameters(search).values():
        for entry in value if isinstance(value, list | tuple) else [value]:
            try:
                names.add(make_atom(entry).name)
            except (TypeError, ValueError):  # no atom
                continue
    return names


def own_epochs(search: BaseLayerSearch) -> bool:
    """Return whether the search was given its own numbers of epochs."""
    return any("epochs" in name and value is not None for name, value in parameters(search).items())


def errors(network: LayeredField, data: Samples) -> np.ndarray:
    """Return the weighted mean squared error of each output, computed apart from the trainer."""
    with torch.no_grad():
        residuals = (network(data.inputs) - data.targets).numpy()
    weights = 1.0 if data.weights is None else data.weights.numpy()
    return np.asarray(np.mean(weights * residuals**2, axis=0))


def alone(result: SearchResult) -> tuple[SearchResult, ...]:
    """Return the results of the networks that a fit is the mean of: a mean has no row."""
    return result.members or (result,)


def difference(one: SearchResult, other: SearchResult) -> str:
    """Return in what two results differ, bit for bit, their seconds apart; empty if in nothing."""
    if one.sequence != other.sequence:
        return f"the sequences {one.sequence} and {other.sequence}"
    mine, theirs = one.table(), other.table()
    for column in sorted(set(mine) - {"seconds"}):
        if not _equal(mine[column].tolist(), theirs[column].tolist()):
            return f"the column {column} of the trace"
    for stage, (a, b) in enumerate(zip(one.networks, other.networks, strict=True)):
        for name, value in a.state_dict().items():
            if not torch.equal(value, b.state_dict()[name]):
                return f"{name} of network {stage}"
    return ""


def _equal(a: Sequence[Any], b: Sequence[Any]) -> bool:
    return len(a) == len(b) and all(
        x == y or (x != x and y != y) for x, y in zip(a, b, strict=True)
    )


def runaway(z: Tensor) -> Tensor:
    """Return what is not a number: an atom whose training diverges at once."""
    return z * float("nan")


def atoms_of(result: SearchResult) -> list[Atom]:
    """Return every atom of every network of `result`."""
    return [atom for network in result.networks for atom in network.sequence]
