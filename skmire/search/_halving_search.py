"""Many sequences for little effort each, and fewer and fewer for more of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import sqrt
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skmire._random import numpy_stream
from skmire.atoms import Atom
from skmire.search._base import BaseLayerSearch, SearchProblem
from skmire.search._contest import Contest, Effort, Entry, Standing, finalists, judged_by
from skmire.search._lookahead import better_half, opening
from skmire.search._result import SearchResult
from skmire.training import Trainer


class HalvingSearch(BaseLayerSearch):
    """Successive halving: a pool of sequences, of which each rung keeps the best for more effort.

    The pool holds every single atom, the best of these at other scales, and sequences of mixed
    atoms drawn from the better half, at the scale that suited their first atom best. On every rung
    a network costs `factor` times as much as on the one before; on the last, where the best single
    atom joins if it is no longer there, networks train in full.

    What is spared is what misleads least. Judged by samples held out, networks of a lower rung
    train for a share of the epochs. Judged by the samples trained on, they are copies: a share of
    the samples, with as large a share of the units squared, so that there are as many samples to a
    parameter, in as many steps. Copies of fewer than 256 samples are not made; so small problems
    are trained in full on every rung.

    Parameters
    ----------
    n_layers : int, default=3
        Hidden layers, at least 1.
    n_sequences : int, default=27
        Sequences in the pool, at least 1. There are more if the single atoms and their scales
        are, and fewer if no more differ.
    factor : int, default=3
        By how much effort grows and the pool shrinks from rung to rung, at least 2.
    selection : {"auto", "train", "held_out"}, default="auto"
        Samples whose loss decides: as for `LayerSearch`, ``"auto"`` means held-out ones.

    See Also
    --------
    LayerSearch : Goes from one layer to the next instead of drawing sequences.

    References
    ----------
    K. Jamieson and A. Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter
    Optimization, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import HalvingSearch, MIREncoder
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = MIREncoder(
    ...     ["gabor", "sinc"], HalvingSearch(n_layers=2, n_sequences=9), hidden_width=16,
    ...     max_epochs=9, random_state=0,
    ... )
    >>> table = encoder.fit(x, np.cos(20 * x[:, 0])).search_results_
    >>> sorted(set(zip(table["stage"].tolist(), table["epochs"].tolist())))
    [('drawn', 3), ('finalists', 9), ('fit', 9), ('layer 1', 3), ('scales', 3)]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "n_sequences": [Interval(Integral, 1, None, closed="left")],
        "factor": [Interval(Integral, 2, None, closed="left")],
        "selection": [StrOptions({"auto", "train", "held_out"})],
    }

    def __init__(
        self,
        n_layers: int = 3,
        n_sequences: int = 27,
        *,
        factor: int = 3,
        selection: str = "auto",
    ) -> None:
        self.n_layers = n_layers
        self.n_sequences = n_sequences
        self.factor = factor
        self.selection = selection

    @property
    def depth(self) -> int:
        return self.n_layers

    def rung_sizes(self) -> tuple[int, ...]:
        """Return how many sequences stand on each rung, the pool first.

        Returns
        -------
        sizes : tuple of int
            At least two, the last of them at most `factor`.

        Examples
        --------
        >>> from skmire import HalvingSearch
        >>> HalvingSearch().rung_sizes(), HalvingSearch(n_sequences=100, factor=4).rung_sizes()
        ((27, 9, 3), (100, 25, 7, 2))
        """
        sizes = [self.n_sequences, -(-self.n_sequences // self.factor)]
        while sizes[-1] > self.factor:
            sizes.append(-(-sizes[-1] // self.factor))
        return tuple(sizes)

    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        sizes = self.rung_sizes()
        costs = [1 / self.factor**i for i in reversed(range(len(sizes)))]
        selection = judged_by(self.selection)
        contest = Contest(problem, trainer, selection, cost=float(np.dot(sizes, costs)) + 1)
        efforts = [
            Effort(epochs=cost) if selection == "held_out" else Effort(samples=sqrt(cost))
            for cost in costs
        ]
        pool = self._pool(contest, efforts[0])
        ranking = pool
        for rung, (size, effort) in enumerate(zip(sizes[1:-1], efforts[1:-1], strict=True), 2):
            if contest.stopped:
                break
            best = [standing.entry for standing in ranking[:size]]
            ranking = contest.try_out(f"rung {rung}", best, effort)
        return contest.decide(finalists([*ranking, *pool], sizes[-1]))

    def _pool(self, contest: Contest, effort: Effort) -> list[Standing]:
        def try_out(name: str, entries: Iterable[Entry]) -> list[Standing]:
            return contest.try_out(name, entries, effort)

        ranking = opening(contest, try_out, n_layers=self.n_layers)
        leading: dict[Atom, Entry] = {}
        for standing in ranking:
            leading.setdefault(standing.entry.atoms[0], standing.entry)
        stream = numpy_stream(contest.problem.seed, "drawn")
        n = max(self.n_sequences - len(ranking), 0)
        drawn = draw_mixed(better_half(ranking), self.n_layers, n, stream)
        return try_out("drawn", [replace(leading[atoms[0]], atoms=atoms) for atoms in drawn])


def draw_mixed(
    atoms: Sequence[Atom], n_layers: int, n: int, stream: np.random.Generator
) -> list[tuple[Atom, ...]]:
    """Return about `n` sequences of more than one atom, drawn at random, all different.

    There are fewer if hardly more differ.
    """
    drawn: dict[tuple[int, ...], None] = {}
    for _ in range(20 * n):
        places = tuple(stream.integers(len(atoms), size=n_layers).tolist())
        if len(set(places)) > 1:
            drawn[places] = None
        if len(drawn) == n:
            break
    return [tuple(atoms[i] for i in places) for places in drawn]
