"""Sequences and scales proposed by a model of the losses seen so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from numbers import Integral
from types import ModuleType
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from skmire._optional import require
from skmire._random import derive_seed
from skmire.atoms import Atom
from skmire.search._base import SearchProblem
from skmire.search._contest import CHEAP, FINALE, Contest, Standing, finalists
from skmire.search._contest_search import ContestSearch
from skmire.search._depth import settled_depth
from skmire.search._entry import Entry
from skmire.search._judge import Selection, judge_of
from skmire.search._lookahead import singles
from skmire.search._result import SearchResult
from skmire.training import Trainer

_BATCH = 4  # trials proposed together, whatever n_jobs
_FIRST, _HIDDEN = (-2.0, 2.0), (-1.0, 1.0)  # ranges of the scales, in powers of 2


class BayesSearch(ContestSearch):
    """Bayesian optimisation of atoms and scales, with optuna's tree-structured Parzen estimator.

    A trial is a sequence of full depth and the scales that it starts from: that of the first layer
    at a quarter to four times what the dictionary says, those of hidden layers at half to twice.
    The single atoms are the first trials. Further ones are proposed, four at a time, where
    sequences that did well are dense among those tried. Trials train for a part of the effort; the
    best, the best of other atoms and the best single atom then train in full, the best also at half
    its first scale and half its rate. The best of these is the fit.

    It needs optuna, which ``pip install "skmire[bayes]"`` brings.

    Parameters
    ----------
    n_layers : int or "auto", default=3
        Hidden layers, at least 1; ``"auto"`` as in `LayerSearch`.
    n_trials : int, default=30
        Trials, at least 1; at least as many as there are atoms are made.
    selection : {"auto", "both", "held_out", "train"}, default="auto"
        Samples whose loss decides, as in `LayerSearch`.
    max_layers : int, default=6
        Most hidden layers that ``"auto"`` comes to, at least 1.

    See Also
    --------
    HalvingSearch : Draws its sequences without a model.

    References
    ----------
    J. Bergstra, R. Bardenet, Y. Bengio and B. Kégl, Algorithms for Hyper-Parameter Optimization,
    2011.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import BayesSearch, MIREncoder
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> search = BayesSearch(n_layers=2, n_trials=6)
    >>> encoder = MIREncoder(
    ...     ["gabor", "sinc"], search, hidden_width=16, max_epochs=6, random_state=0
    ... )
    >>> stages = encoder.fit(x, np.cos(20 * x[:, 0])).search_results_["stage"].tolist()
    >>> stages.count("singles"), stages.count("trials")
    (2, 4)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ContestSearch._parameter_constraints,
        "n_trials": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_layers: int | str = 3,
        n_trials: int = 30,
        *,
        selection: Selection = "auto",
        max_layers: int = 6,
    ) -> None:
        self.n_layers = n_layers
        self.n_trials = n_trials
        self.selection = selection
        self.max_layers = max_layers

    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        optuna = require("optuna", extra="bayes", purpose="BayesSearch")
        sampler = optuna.samplers.TPESampler(seed=derive_seed(problem.seed, "proposals") % 2**32)
        with _quiet(optuna):
            study = optuna.create_study(sampler=sampler)
        judge = judge_of(self.selection, problem)
        effort = CHEAP[judge]
        atoms = problem.dictionary.resolve()
        n_trials = max(self.n_trials, len(atoms))
        cost = n_trials * effort.cost + FINALE[judge]
        contest = Contest(problem, trainer, judge)
        n_layers = settled_depth(contest, self.n_layers, self.max_layers, cost=cost)

        space = self._space(optuna, contest, n_layers)
        first = singles(problem, self.selection, n_layers)
        ranking = contest.try_out("singles", first, effort)
        for entry in first:
            middle = dict.fromkeys(space, 0.0) | dict.fromkeys(_layers(space), entry.atoms[0].name)
            study.add_trial(
                optuna.create_trial(params=middle, distributions=space, value=_loss(entry, ranking))
            )
        for done in range(len(atoms), n_trials, _BATCH):
            if contest.stopped:
                break
            trials = [study.ask(space) for _ in range(min(_BATCH, n_trials - done))]
            entries = [_entry(contest, atoms, trial.params) for trial in trials]
            ranking = contest.try_out("trials", entries, effort)
            for trial, entry in zip(trials, entries, strict=True):
                study.tell(trial, _loss(entry, ranking))
        return contest.decide(finalists(ranking))

    @staticmethod
    def _space(optuna: ModuleType, contest: Contest, n_layers: int) -> dict[str, Any]:
        """Return the distributions of what a trial may vary."""
        dictionary = contest.problem.dictionary
        names = optuna.distributions.CategoricalDistribution(dictionary.names)
        space = {f"layer {layer}": names for layer in range(1, n_layers + 1)}
        is_drawn = dictionary.check_init()[0] in ("uniform", "normal")
        if not is_drawn and not contest.is_blind:
            space["first"] = optuna.distributions.FloatDistribution(*_FIRST)
            space["hidden"] = optuna.distributions.FloatDistribution(*_HIDDEN)
        return space


def _layers(space: Iterable[str]) -> list[str]:
    return [name for name in space if name.startswith("layer")]


def _entry(contest: Contest, atoms: dict[str, Atom], params: dict[str, Any]) -> Entry:
    """Return the sequence that a trial stands for."""
    start = Entry.of([atoms[params[layer]] for layer in _layers(params)], contest.judge)
    return replace(
        start,
        first=start.first * 2 ** params.get("first", 0.0),
        hidden=start.hidden * 2 ** params.get("hidden", 0.0),
    )


def _loss(entry: Entry, ranking: Iterable[Standing]) -> float:
    """Return the loss of an entry, infinite if it diverged."""
    return next((s.loss for s in ranking if s.entry.name == entry.name), inf)


@contextmanager
def _quiet(optuna: ModuleType) -> Iterator[None]:
    """Have optuna log no more than warnings for a while."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(level, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
