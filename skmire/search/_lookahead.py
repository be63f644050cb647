"""Layer by layer at full depth: the layers still to be decided are filled, not left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from skmire.atoms import Atom
from skmire.search._base import SearchProblem
from skmire.search._contest import (
    CHEAP,
    Contest,
    Entry,
    Selection,
    Standing,
    finalists,
)
from skmire.search._result import SearchResult
from skmire.training import Trainer

#: Judges the entries that it has not yet, and returns all that it has, the best first.
TryOut = Callable[[str, Iterable[Entry]], list[Standing]]

_SCALED = 3  # atoms that are tried at other scales
_CLIMBS = 2  # rounds after that, while other scales are better
_MOST_SCALES = 2 * _SCALED + 2 * _CLIMBS


def beam_search(
    problem: SearchProblem, trainer: Trainer, *, n_layers: int, width: int, selection: Selection
) -> SearchResult:
    """Decide the layers one after another by cheap rounds, and the best sequences in full.

    The two best sequences and the best single atom are finalists.
    """
    n_atoms = len(problem.dictionary)
    effort = CHEAP[selection]
    n_entries = n_atoms + _MOST_SCALES + _n_better(n_atoms) * (n_layers - 1) * width
    contest = Contest(problem, trainer, selection, cost=n_entries * effort.cost + 3)

    def try_out(name: str, entries: Iterable[Entry]) -> list[Standing]:
        return contest.try_out(name, entries, effort)

    ranking = look_ahead(contest, try_out, n_layers=n_layers, width=width)
    return contest.decide(finalists(ranking))


def look_ahead(contest: Contest, try_out: TryOut, *, n_layers: int, width: int) -> list[Standing]:
    """Try sequences layer by layer, each of full depth; return all, the best first."""
    ranking = opening(contest, try_out, n_layers=n_layers)
    return deepen(try_out, ranking, n_layers=n_layers, width=width)


def deepen(
    try_out: TryOut, ranking: list[Standing], *, n_layers: int, width: int
) -> list[Standing]:
    """From a ranking of single atoms, try the better half of them in one layer after another.

    A candidate stands in the layer and all after it, behind the best `width` beginnings.
    """
    better = better_half(ranking)
    for layer in range(1, n_layers):
        leading: dict[tuple[Atom, ...], Entry] = {}
        for standing in ranking:
            leading.setdefault(standing.entry.atoms[:layer], standing.entry)
        ranking = try_out(
            f"layer {layer + 1}",
            [
                e.with_atom(layer, atom, onwards=True)
                for e in list(leading.values())[:width]
                for atom in better
            ],
        )
    return ranking


def opening(contest: Contest, try_out: TryOut, *, n_layers: int) -> list[Standing]:
    """Try every atom in all layers, the best of them at other scales; return all."""
    ranking = try_out("layer 1", singles(contest, n_layers))
    if is_free(contest.problem):
        best = [s.entry for s in ranking if stretches(s.entry)][:_SCALED]
        ranking = try_out("scales", [e.scaled(by) for e in best for by in (0.5, 2.0)])
        for _ in range(_CLIMBS):
            best = [s.entry for s in ranking[:1] if stretches(s.entry)]
            ranking = try_out("scales", [e.scaled(by) for e in best for by in (0.5, 2.0)])
    return ranking


def singles(contest: Contest, n_layers: int) -> list[Entry]:
    """Return every atom in all layers, at the scales to start from."""
    return [contest.entry(*[atom] * n_layers) for atom in contest.problem.dictionary]


def better_half(ranking: Sequence[Standing]) -> list[Atom]:
    """Return the atoms that lead a ranking of single atoms, half of them but at least three."""
    atoms = list({standing.entry.atoms[0]: None for standing in ranking})
    return atoms[: _n_better(len(atoms))]


def is_free(problem: SearchProblem) -> bool:
    """Return whether scales start from the dictionary's and not from a draw."""
    return problem.dictionary.check_init()[0] not in ("uniform", "normal")


def _n_better(n_atoms: int) -> int:
    return max(-(-n_atoms // 2), 3)


def stretches(entry: Entry) -> bool:
    """Return whether the first layer's scale is free: not fixed by the user, nor without any."""
    first = entry.atoms[0]
    return bool(set(first.scale_parameters) - set(first.start))
