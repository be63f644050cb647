"""Several networks of the sequence that a search finds, and their mean as the fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skmire._logging import logger
from skmire._random import derive_seed
from skmire.atoms import Atom
from skmire.networks import LayeredField, MeanField
from skmire.search._base import BaseLayerSearch, SearchProblem
from skmire.search._layer_search import LayerSearch
from skmire.search._result import MEMBERS, Candidate, SearchResult
from skmire.search._side_by_side import Plan, n_turns, train_side_by_side
from skmire.training import Trainer

_FIT = 3 / 4  # of the time of a search, at most, that its fit has
_WORSE = 2.0  # times the least loss; of one cut short, more takes more from a mean than it gives


class EnsembleSearch(BaseLayerSearch):
    """A search, then more networks of the sequence it found, whose mean is the fit.

    Between the samples networks that differ in their first weights alone differ from each other:
    each makes up something of its own, and their mean has less of that. The values of its field are
    never further from the truth than theirs are on the mean, in squares. A fit and its answers cost
    as many times as much as there are networks; the search is made once.

    Parameters
    ----------
    layer_search : BaseLayerSearch, default=None
        What finds the sequence, and trains the first network; ``None`` means `LayerSearch` with its
        defaults.
    n_networks : int, default=4
        How many there are, at least 1.

    See Also
    --------
    sklearn.ensemble.BaggingRegressor : Of samples drawn with replacement, each with its own search.

    Notes
    -----
    The other networks have the atoms that the first one ended with, other first weights and other
    batches, and as many epochs as were planned for it; each trains on one thread, so `n_jobs` is
    worth its while. All count alike, but one that diverged, or that a callback or a time limit cut
    short at more than twice the least loss, is left out, be it the first. Of a time limit, each of
    the others has three quarters of what is left to the search and the first network together; a
    tight one is better spent on one network. ``partial_fit`` and a warm start train the mean on.
    Of fields that are nowhere below 0 the networks' values are averaged, and the mean is bent.

    The encoder's ``estimators_`` answer for one network each. The trace has the rows of the others
    in the stage ``"members"``. ``best_loss_`` and ``loss_curve_`` are those of the first, or of the
    best if the first was left out, and after further training of the mean.

    References
    ----------
    Hansen and Salamon, Neural Network Ensembles, IEEE Transactions on Pattern Analysis and Machine
    Intelligence 12, 1990. That the mean is no worse than its members are on the mean is Jensen's
    inequality.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import EnsembleSearch, FixedSequence, MIREncoder
    >>> rng = np.random.default_rng(0)
    >>> X, points = rng.uniform(-1, 1, (60, 2)), rng.uniform(-1, 1, (500, 2))
    >>> wave = lambda X: np.sin(4 * X[:, 0]) * np.cos(3 * X[:, 1])
    >>> search = EnsembleSearch(FixedSequence("sinusoid"), n_networks=3)
    >>> encoder = MIREncoder(search=search, hidden_width=32, random_state=0).fit(X, wave(X))
    >>> encoder.search_results_["stage"].tolist()
    ['', 'members', 'members']
    >>> each = [np.mean((e.predict(points) - wave(points)) ** 2) for e in encoder.estimators_]
    >>> len(each), bool(np.mean((encoder.predict(points) - wave(points)) ** 2) < np.mean(each))
    (3, True)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "layer_search": [None, BaseLayerSearch],
        "n_networks": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, layer_search: BaseLayerSearch | None = None, n_networks: int = 4) -> None:
        self.layer_search = layer_search
        self.n_networks = n_networks

    @property
    def depth(self) -> int:
        return self._finder.depth

    def wants_held_out(self, trainer: Trainer) -> bool:
        return self._finder.wants_held_out(trainer)

    @property
    def settled(self) -> dict[str, Any]:
        return {**self._finder.settled, "the number of networks": self.n_networks}

    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        finder = self._finder
        if isinstance(finder, EnsembleSearch):
            raise ValueError(
                "EnsembleSearch(layer_search=...) must find one network, got an EnsembleSearch, "
                "which finds several. Give one of them all the n_networks."
            )
        finder._validate_params()
        if self.n_networks == 1:
            return finder.search(problem, trainer)
        deadline, left = problem.deadline, problem.seconds_left
        if deadline is not None and left is not None:
            turns = n_turns(problem, self.n_networks - 1)
            deadline -= left * (1 - 1 / (1 + turns * _FIT))
        task = problem.task.start("search", n_subtasks=None)
        found = finder.search(replace(problem, task=task, deadline=deadline), trainer)
        if task.finish(found.network):
            return found
        runs = list(self._members(problem, trainer, found))
        return _mean_of(found, runs, verbose=problem.verbose > 0)

    @property
    def _finder(self) -> BaseLayerSearch:
        return LayerSearch() if self.layer_search is None else self.layer_search

    def _members(
        self, problem: SearchProblem, trainer: Trainer, found: SearchResult
    ) -> Iterator[tuple[Candidate, LayeredField]]:
        """Yield more networks, whose atoms start as those found ended, axes stretched alike."""
        winner, sequence = found.path[-1], found.network.sequence
        if winner.stretch and not np.ptp(winner.stretch):
            problem = problem.even()
        frozen = sum(1 for _ in takewhile(_is_frozen, sequence))
        plans = []
        for i in range(1, self.n_networks):
            atoms = tuple(atom.configured() for atom in sequence)
            seed = derive_seed(problem.seed, "member", i)
            plans.append(Plan(winner.atom, atoms, seed, frozen))
        scales = tuple(atom.stretch for atom in sequence)
        told = problem.max_epochs if winner.training.cut_short else winner.epochs
        task = problem.task.start("members", n_subtasks=len(plans), parallel=True)
        runs = train_side_by_side(
            problem,
            trainer,
            plans,
            epochs=winner.planned or told,
            seconds=problem.seconds_left,
            task=task,
        )
        for i, (network, training) in enumerate(runs):
            row = replace(
                winner,
                seed=plans[i].seed,
                effective_epochs=winner.effective_epochs - winner.epochs + len(training.curve),
                training=training,
                chosen=False,
                stage=MEMBERS,
                scales=scales,
                judge="held_out",
            )
            row = replace(row, loss=training.loss("held_out"))
            if problem.verbose:
                logger.info(
                    "network %d of %d: loss %.3e in %.1f s, %s", i + 2, self.n_networks, row.loss,
                    training.seconds, training.outcome,
                )  # fmt: skip
            yield row, network
        task.finish()


def _mean_of(
    found: SearchResult, runs: Sequence[tuple[Candidate, LayeredField]], *, verbose: bool
) -> SearchResult:
    """Return the mean of the networks that are worth a part in it."""
    *before, first = found.path
    stages, rows = found.networks[:-1], [first, *(row for row, _ in runs)]
    others = (
        SearchResult((*stages, network), (*before, replace(row, chosen=True)))
        for row, network in runs
    )
    members = [found, *others]
    losses = np.array([row.training.loss("held_out") for row in rows])
    cut_short = np.array([row.training.cut_short for row in rows])
    counts = ~np.isnan(losses) & (~cut_short | (losses <= _WORSE * np.nanmin(losses)))
    if verbose and not counts.all():
        numbers = ", ".join(str(i + 1) for i in np.flatnonzero(~counts))
        logger.info("left out of the mean: network %s", numbers)
    leader = first if counts[0] else rows[int(np.nanargmin(losses))]
    trace = tuple(
        replace(row, chosen=row is leader or (row.chosen and row is not first))
        for row in (*found.trace, *rows[1:])
    )
    members = [members[i] for i in np.flatnonzero(counts)]
    networks = [member.network for member in members]
    if len(networks) == 1:
        return SearchResult((*stages, *networks), trace)
    return SearchResult((*stages, MeanField(networks)), trace, tuple(members))


def _is_frozen(atom: Atom) -> bool:
    return not any(parameter.requires_grad for parameter in atom.parameters())
