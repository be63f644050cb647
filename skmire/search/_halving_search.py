"""Successive halving: many sequences at little effort, few at much."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from skmire._random import numpy_stream
from skmire.search._base import SearchProblem
from skmire.search._contest import Contest, Effort, Standing, best_single
from skmire.search._contest_search import ContestSearch
from skmire.search._depth import settled_depth
from skmire.search._entry import Entry
from skmire.search._judge import Selection, judge_of
from skmire.search._lookahead import singles
from skmire.search._result import SearchResult
from skmire.training import Trainer


class HalvingSearch(ContestSearch):
    """Train many sequences at little effort, and the best part of them at more, round by round.

    The first round has every atom in all layers, at half, once and twice its scale, and sequences
    drawn at random. After each round the best ``1 / factor`` go on at `factor` times the effort,
    until three or fewer are left, which train in full beside the best single atom.

    Effort is a share of the epochs where samples held out decide. Where those trained on do, it is
    a share of the samples, with as large a share of the units squared, in as many steps
    (``benchmarks/screening.py`` compares). Where a time limit leaves too little for all, the first
    round has the single atoms alone.

    Parameters
    ----------
    n_layers : int or "auto", default=3
        Hidden layers, at least 1; ``"auto"`` as in `LayerSearch`.
    n_sequences : int, default=27
        Sequences drawn at random, beside the single atoms.
    factor : int, default=3
        At least 2.
    selection : {"auto", "both", "held_out", "train"}, default="auto"
        Samples whose loss decides, as in `LayerSearch`.
    max_layers : int, default=6
        Most hidden layers that ``"auto"`` comes to, at least 1.

    References
    ----------
    Jamieson and Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter Optimization,
    AISTATS 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import HalvingSearch, MIREncoder
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> search = HalvingSearch(n_layers=2, n_sequences=4)
    >>> encoder = MIREncoder(["gabor", "sinusoid"], search, hidden_width=32, max_epochs=9)
    >>> stages = encoder.fit(x, np.cos(20 * x[:, 0])).search_results_["stage"].tolist()
    >>> list(dict.fromkeys(stages))
    ['rung 1', 'finalists', 'fit']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ContestSearch._parameter_constraints,
        "n_sequences": [Interval(Integral, 0, None, closed="left")],
        "factor": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        n_layers: int | str = 3,
        n_sequences: int = 27,
        *,
        factor: int = 3,
        selection: Selection = "auto",
        max_layers: int = 6,
    ) -> None:
        self.n_layers = n_layers
        self.n_sequences = n_sequences
        self.factor = factor
        self.selection = selection
        self.max_layers = max_layers

    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        contest = Contest(problem, trainer, judge_of(self.selection, problem))
        *_, contest.cost = self._rungs(contest, len(self._pool(contest, self.depth)))
        contest.hurry(singles(problem, self.selection, self.depth))
        *_, cost = self._rungs(contest, len(self._pool(contest, self.depth)))
        n_layers = settled_depth(contest, self.n_layers, self.max_layers, cost=cost)
        entries = self._pool(contest, n_layers)
        sizes, efforts, contest.cost = self._rungs(contest, len(entries))
        standings: list[Standing] = []
        for i, (effort, kept) in enumerate(zip(efforts, sizes[1:], strict=True), start=1):
            standings = [*contest.round(f"rung {i}", entries, effort), *standings]
            entries = [standing.entry for standing in standings[:kept]]
        single = [best_single(standings)] if standings else []  # so few that there was no rung
        return contest.decide([*entries, *single])

    def _rungs(self, contest: Contest, n_entries: int) -> tuple[list[int], list[Effort], float]:
        """Return how many stand on each rung, at which effort on all but the last, and the cost."""
        sizes = [n_entries]
        while sizes[-1] > 3:
            sizes.append(max(sizes[-1] // self.factor, 1))
        efforts = [self._effort(self.factor**-i) for i in range(len(sizes) - 1, 0, -1)]
        cost = sum(size * effort.cost for size, effort in zip(sizes, efforts, strict=False))
        # Beside those of the last rung a single atom; by held-out samples also two gentler
        # leaders, and even axes, if there is time.
        beside = 1 if self.selection == "train" or contest.hurried else 4
        return sizes, efforts, cost + sizes[-1] + beside

    def _pool(self, contest: Contest, n_layers: int) -> list[Entry]:
        problem = contest.problem
        atoms, draw = list(problem.dictionary), numpy_stream(problem.seed, "sequences")
        alone = singles(problem, self.selection, n_layers)
        if contest.hurried:
            return alone
        scalable = [e for e in alone if e.is_scalable(problem) and not contest.is_blind]
        scaled = [near for entry in scalable for near in entry.half_and_twice()]
        drawn = draw.integers(len(atoms), size=(self.n_sequences, n_layers))
        mixed = [Entry.of([atoms[i] for i in row], self.selection) for row in drawn]
        pool = [*alone, *scaled, *mixed]
        return list({entry.name: entry for entry in pool}.values())

    def _effort(self, share: float) -> Effort:
        return Effort(epochs=share) if self.selection != "train" else Effort(samples=share**0.5)
