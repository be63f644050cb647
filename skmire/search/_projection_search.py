"""Sequences filtered without training: the signal projected onto what each network can reach."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from math import inf
from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from skmire._logging import counted, logger
from skmire._threads import single_thread, threads_restored
from skmire.search._base import SearchProblem
from skmire.search._contest import CHEAP, FINALE, Contest, Standing, best_single, finalists, ranked
from skmire.search._contest_search import ContestSearch
from skmire.search._copies import thinned
from skmire.search._depth import settled_depth
from skmire.search._entry import Entry
from skmire.search._judge import Selection, judge_of
from skmire.search._lookahead import deepen, singles
from skmire.search._result import SearchResult
from skmire.search._side_by_side import jobs_for, side_by_side
from skmire.search._tangent import tangent_loss
from skmire.training import Trainer

_FACTORS = (0.25, 0.5, 2.0, 4.0)  # of the scale, for every atom
_MOST_MEASURED = 200  # values that take many points each, by memory for all gradients of each
_WIDTH = 3  # beginnings kept from layer to layer
_SHARE = 0.25  # of a time limit, at most


class ProjectionSearch(ContestSearch):
    """Filter sequences without training any: by least squares in the tangent space of each.

    As it starts, a network is nearly linear in small changes of its weights. How much of the signal
    such changes can reach is a problem of least squares, which is solved on a subset of the
    samples; the residual stands for the loss. That costs a small part of a training, so every atom
    is tried at five scales and mixed sequences behind the best three beginnings. The best go
    through a round of training, and the two best of them and the best single atom train in full.

    It is a filter, not a judge: the order of the sequences is rough, and the best of them need only
    be among those kept. Random features, where only the last layer is solved for, would be cheaper
    still, but favour low scales: on four signals the best eight of 50 sequences then were up to
    11 dB below the best of all when trained, and at most 0.6 dB below it in the tangent space.

    Parameters
    ----------
    n_layers : int or "auto", default=3
        Hidden layers, at least 1; ``"auto"`` as in `LayerSearch`.
    n_samples : int, default=800
        Samples of the least squares, at least 1, and as many to judge by. Time grows with their
        cube, memory with their square. Of measurements other than values at points, 200 numbers at
        most.
    n_kept : int, default=8
        Sequences that are trained, at least 1; the best single atom is one more if it is not among
        them.
    selection : {"auto", "both", "held_out", "train"}, default="auto"
        Samples whose loss decides, as in `LayerSearch`. Projected by ``"train"``, what is left of
        the samples themselves counts, after as much regularisation as leaves out what would take
        long to learn.
    max_layers : int, default=6
        Most hidden layers that ``"auto"`` comes to, at least 1.

    See Also
    --------
    LayerSearch : Ranks sequences by training.

    References
    ----------
    - A. Jacot, F. Gabriel and C. Hongler, Neural Tangent Kernel, NeurIPS 2018.
    - G.-B. Huang, Q.-Y. Zhu and C.-K. Siew, Extreme Learning Machine, 2006, for least squares on
      random features.
    - Y. C. Pati, R. Rezaiifar and P. S. Krishnaprasad, Orthogonal Matching Pursuit, 1993, for
      choosing one atom after another by exact projection.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import MIREncoder, ProjectionSearch
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> search = ProjectionSearch(n_layers=2, n_kept=3)
    >>> encoder = MIREncoder(
    ...     ["gabor", "sinc"], search, hidden_width=16, max_epochs=6, random_state=0
    ... )
    >>> stages = encoder.fit(x, np.cos(20 * x[:, 0])).search_results_["stage"].tolist()
    >>> stages[0], stages[-1]
    ('projected', 'fit')
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ContestSearch._parameter_constraints,
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_kept": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_layers: int | str = 3,
        n_samples: int = 800,
        n_kept: int = 8,
        *,
        selection: Selection = "auto",
        max_layers: int = 6,
    ) -> None:
        self.n_layers = n_layers
        self.n_samples = n_samples
        self.n_kept = n_kept
        self.selection = selection
        self.max_layers = max_layers

    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        judge = judge_of(self.selection, problem)
        effort = CHEAP[judge]
        cost = (self.n_kept + 1) * effort.cost + FINALE[judge]
        contest = Contest(problem, trainer, judge)
        n_layers = settled_depth(contest, self.n_layers, self.max_layers, cost=cost)
        ranking = self._project(contest, n_layers)
        best = [standing.entry for standing in ranking[: self.n_kept]]
        kept = contest.try_out("projected", [*best, best_single(ranking)], effort)
        return contest.decide(finalists(kept))

    def _project(self, contest: Contest, n_layers: int) -> Sequence[Standing]:
        """Return sequences by their loss without training, the best first."""
        problem = contest.judged
        is_plain = problem.samples.readout is None
        most = max(_MOST_MEASURED // problem.samples.targets.shape[1], 1)
        n = self.n_samples if is_plain else min(self.n_samples, most)
        samples = thinned(problem.samples, n, problem.seed)
        held_out = thinned(problem.held_out or problem.samples, n, problem.seed)
        left = problem.seconds_left
        late = inf if left is None else time.monotonic() + _SHARE * left
        known: dict[str, Standing] = {}

        def project(entry: Entry) -> float:
            if time.monotonic() > late:
                return inf
            with single_thread():
                network = problem.build(entry.started(problem, contest.seed), contest.seed)
                return tangent_loss(network, samples, held_out, contest.judge)

        def try_out(name: str, entries: Iterable[Entry]) -> list[Standing]:
            new = {entry.name: entry for entry in entries if entry.name not in known}
            calls, n_jobs = [(entry,) for entry in new.values()], jobs_for(problem, len(new))
            with threads_restored():
                losses = list(side_by_side(project, calls, n_jobs=n_jobs))
            known.update(
                {name: Standing(new[name], loss) for name, loss in zip(new, losses, strict=True)}
            )
            if problem.verbose:
                logger.info("%s: %s projected", name, counted(len(new), "sequence"))
            return ranked(known.values())

        task = contest.problem.task.start("projections")
        starts = singles(problem, self.selection, n_layers)
        scalable = [e for e in starts if e.is_scalable(problem) and not contest.is_blind]
        starts += [entry.scaled(first=by) for entry in scalable for by in _FACTORS]
        ranking = deepen(try_out, try_out("singles", starts), n_layers=n_layers, width=_WIDTH)
        contest.stopped = task.finish()
        return ranking
