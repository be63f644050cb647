"""Several networks of the sequence that a search finds, and their mean as the fit."""

from __future__ import annotations

from collections.abc import Iterator
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
from skmire.search._result import Candidate, SearchResult
from skmire.search._side_by_side import Plan, n_turns, train_side_by_side
from skmire.training import Trainer, Training

_FIT = 3 / 4  # of the time of a search, at most, that its fit has


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
    batches, and as many epochs as it came to; each trains on one thread. One that diverges is left
    out, but all others count alike, one too that a callback or a time limit cut short. Of a time
    limit, each of the others has three quarters of what is left to the search and the first network
    together. ``partial_fit`` and a warm start train the mean on.

    The encoder's ``estimators_`` answer for one network each, and the trace has the rows of the
    others in the stage ``"members"``. ``best_loss_`` and ``loss_curve_`` are those of the first.

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

    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        self._finder._validate_params()
        if self.n_networks == 1:
            return self._finder.search(problem, trainer)
        deadline, left = problem.deadline, problem.seconds_left
        if deadline is not None and left is not None:
            turns = n_turns(problem, self.n_networks - 1)
            deadline -= left * (1 - 1 / (1 + turns * _FIT))
        task = problem.task.start("search", n_subtasks=None)
        found = self._finder.search(replace(problem, task=task, deadline=deadline), trainer)
        if task.finish(found.network):
            return found
        runs = list(self._members(problem, trainer, found))
        rows = [_row(found.path[-1], plan, training) for plan, _, training in runs]
        members = [network for _, network, training in runs if not training.diverged]
        field = MeanField([found.network, *members])
        return SearchResult((*found.networks[:-1], field), (*found.trace, *rows))

    @property
    def _finder(self) -> BaseLayerSearch:
        return LayerSearch() if self.layer_search is None else self.layer_search

    def _members(
        self, problem: SearchProblem, trainer: Trainer, found: SearchResult
    ) -> Iterator[tuple[Plan, LayeredField, Training]]:
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
        cut_short = winner.training.cut_short
        task = problem.task.start("members", n_subtasks=len(plans), parallel=True)
        runs = train_side_by_side(
            problem,
            trainer,
            plans,
            epochs=problem.max_epochs if cut_short else winner.effective_epochs,
            seconds=problem.seconds_left,
            task=task,
        )
        for i, (network, training) in enumerate(runs):
            if problem.verbose:
                logger.info(
                    "network %d of %d: loss %.3e in %.1f s, %s", i + 2, self.n_networks,
                    training.kept.loss("held_out"), training.seconds, training.outcome,
                )  # fmt: skip
            yield plans[i], network, training
        task.finish()


def _row(winner: Candidate, plan: Plan, training: Training) -> Candidate:
    """Return the row of a network in the trace, as that of the one that it is like."""
    return replace(
        winner,
        seed=plan.seed,
        effective_epochs=len(training.curve),
        training=training,
        loss=np.nan if training.diverged else training.kept.loss("held_out"),
        chosen=False,
        stage="members",
        scales=tuple(atom.stretch for atom in plan.atoms),
    )


def _is_frozen(atom: Atom) -> bool:
    return not any(parameter.requires_grad for parameter in atom.parameters())
