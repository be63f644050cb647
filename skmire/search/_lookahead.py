"""Layer by layer at full depth: the layers still to be decided are filled, not left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from skmire.atoms import Atom
from skmire.search._base import SearchProblem
from skmire.search._contest import CHEAP, FINALE, Contest, Effort, Standing, finalists
from skmire.search._depth import better_half, most_layers, n_better, settled_depth
from skmire.search._entry import Entry
from skmire.search._judge import Selection
from skmire.search._result import SearchResult
from skmire.training import Judge, Trainer

#: Judges those entries that it has not yet, and returns all that it has, the best first.
TryOut = Callable[[str, Iterable[Entry]], list[Standing]]

_HIDDEN = 1.5  # factor to a neighbour in hidden layers


@dataclass(frozen=True)
class _Extent:
    """How far a search goes."""

    effort: Effort
    finale: float  #: what it costs to decide between finalists
    scaled: int = 3  #: atoms that are tried at other first scales
    climbs: int = 3  #: rounds after that, from the best scales to their neighbours
    paces: int = 2  #: rounds after that, from the best rate to its neighbours
    mixes: bool = True  #: whether sequences of several atoms are tried

    def n_entries(self, n_atoms: int, n_layers: int, width: int) -> int:
        """Return how many sequences it tries at most, before the finalists."""
        mixed = n_better(n_atoms) * (n_layers - 1) * width if self.mixes else 0
        return n_atoms + 2 * self.scaled + 4 * self.climbs + self.paces + 1 + mixed

    def cost(self, n_atoms: int, n_layers: int, width: int) -> float:
        """Return what it costs at most, in trainings of a whole network."""
        return self.n_entries(n_atoms, n_layers, width) * self.effort.cost + self.finale


def extent_of(judge: Judge, *, hurried: bool, is_blind: bool = False) -> _Extent:
    """Return how far a search goes.

    Where there is little time, or none of the samples are held out, what is known of scales and
    rates is better than what a few steps or the samples themselves tell of them.
    """
    if hurried:
        return _settled(Effort(epochs=1 / 4), mixes=False)
    return _settled(CHEAP[judge]) if is_blind else _Extent(CHEAP[judge], FINALE[judge])


def _settled(effort: Effort, *, mixes: bool = True) -> _Extent:
    """Return how far a search goes that leaves scales and rates as they are."""
    return _Extent(effort, FINALE["train"], scaled=0, climbs=0, paces=0, mixes=mixes)


def look_ahead(
    problem: SearchProblem,
    trainer: Trainer,
    *,
    n_layers: int | str,
    max_layers: int,
    width: int,
    judge: Judge,
) -> SearchResult:
    """Decide the layers one after another, each in networks of full depth.

    First every atom is tried in all layers, the best of them at other scales and then at other
    rates; then `deepen`. The best sequence, the best of other atoms and the best single atom are
    finalists.
    """
    n_atoms = len(problem.dictionary)
    contest = Contest(problem, trainer, judge)
    extent = extent_of(judge, hurried=False, is_blind=contest.is_blind)
    deepest = most_layers(n_layers, max_layers)
    contest.cost = extent.cost(n_atoms, deepest, width)
    if contest.hurry(singles(problem, judge, deepest)):
        extent = extent_of(judge, hurried=True)
    most = extent.cost(n_atoms, deepest, width)
    n_layers = settled_depth(contest, n_layers, max_layers, cost=most, effort=extent.effort)
    contest.cost = extent.cost(n_atoms, n_layers, width)

    def try_out(name: str, entries: Iterable[Entry]) -> list[Standing]:
        return contest.try_out(name, entries, extent.effort)

    ranking: Sequence[Standing] = try_out("layer 1", singles(problem, judge, n_layers))
    best = _scalable(ranking, problem)[: extent.scaled]
    ranking = try_out("scales", [near for entry in best for near in entry.half_and_twice()])
    for _ in range(extent.climbs):
        best = _scalable(ranking, problem)[:1]
        ranking = try_out("scales", [near for entry in best for near in _neighbours(entry)])
    for _ in range(extent.paces if contest.has_rates(n_layers) else 0):
        ranking = try_out("rates", [ranking[0].entry.scaled(rate=by) for by in (0.5, 2.0)])
    if extent.mixes:
        ranking = deepen(try_out, ranking, n_layers=n_layers, width=width)
    return contest.decide(finalists(ranking))


def _scalable(ranking: Iterable[Standing], problem: SearchProblem) -> list[Entry]:
    """Return those of a ranking that can be tried at other scales, the best first."""
    return [standing.entry for standing in ranking if standing.entry.is_scalable(problem)]


def _neighbours(entry: Entry) -> list[Entry]:
    """Return a sequence at other scales of its first layer, and of hidden ones if it has any."""
    factors = (1 / _HIDDEN, _HIDDEN) if entry.depth > 1 else ()
    return [*entry.half_and_twice(), *(entry.scaled(hidden=by) for by in factors)]


def singles(problem: SearchProblem, selection: Selection, n_layers: int) -> list[Entry]:
    """Return every atom in all layers, at the scales to begin with."""
    return [Entry.of([atom] * n_layers, selection) for atom in problem.dictionary]


def deepen(
    try_out: TryOut, ranking: Sequence[Standing], *, n_layers: int, width: int
) -> Sequence[Standing]:
    """From a ranking of single atoms, try the better half of them in one layer after another.

    A candidate stands in the layer and in all after it, behind each of the best `width` beginnings.
    """
    better = better_half(ranking)
    for layer in range(1, n_layers):
        leading: dict[tuple[Atom, ...], Entry] = {}
        for standing in ranking:
            leading.setdefault(standing.entry.atoms[:layer], standing.entry)
        ranking = try_out(
            f"layer {layer + 1}",
            [e.filled(layer, atom) for e in list(leading.values())[:width] for atom in better],
        )
    return ranking
