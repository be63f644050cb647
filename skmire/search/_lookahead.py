"""Layer by layer at full depth: the layers still to be decided are filled, not left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from skmire.atoms import Atom
from skmire.search._base import SearchProblem
from skmire.search._contest import CHEAP, FINALE, Contest, Entry, Selection, Standing, finalists
from skmire.search._depth import better_half, most_layers, n_better, settled_depth
from skmire.search._result import SearchResult
from skmire.training import Trainer

#: Judges those entries that it has not yet, and returns all that it has, the best first.
TryOut = Callable[[str, Iterable[Entry]], list[Standing]]

_SCALED = 3  # atoms that are tried at other first scales
_CLIMBS = 3  # rounds after that, from the best scales to their neighbours
_HIDDEN = 1.5  # factor to a neighbour in hidden layers


def look_ahead(
    problem: SearchProblem,
    trainer: Trainer,
    *,
    n_layers: int | str,
    max_layers: int,
    width: int,
    selection: Selection,
) -> SearchResult:
    """Decide the layers one after another, each in networks of full depth.

    First every atom is tried in all layers, the best of them at other scales; then `deepen`. The
    two best sequences and the best single atom are finalists.
    """
    n_atoms, effort = len(problem.dictionary), CHEAP[selection]

    def cost(n_layers: int) -> float:
        n_scales = 2 * _SCALED + 4 * _CLIMBS
        n_entries = n_atoms + n_scales + n_better(n_atoms) * (n_layers - 1) * width
        return n_entries * effort.cost + FINALE[selection]

    contest = Contest(problem, trainer, selection)
    most = cost(most_layers(n_layers, max_layers))
    n_layers = settled_depth(contest, n_layers, max_layers, cost=most)
    contest.cost = cost(n_layers)

    def try_out(name: str, entries: Iterable[Entry]) -> list[Standing]:
        return contest.try_out(name, entries, effort)

    ranking = try_out("layer 1", singles(problem, selection, n_layers))
    best = _scalable(ranking, problem)[:_SCALED]
    ranking = try_out("scales", [near for entry in best for near in entry.half_and_twice()])
    for _ in range(_CLIMBS):
        best = _scalable(ranking, problem)[:1]
        ranking = try_out("scales", [near for entry in best for near in _neighbours(entry)])
    return contest.decide(finalists(deepen(try_out, ranking, n_layers=n_layers, width=width)))


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
