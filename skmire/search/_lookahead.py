"""Layer by layer at full depth: the layers still to be decided are filled, not left out."""

from __future__ import annotations

from collections.abc import Iterable

from skmire.atoms import Atom
from skmire.search._base import DivergenceError, SearchProblem
from skmire.search._contest import Contest, Effort, Entry, Selection, Standing
from skmire.search._result import SearchResult
from skmire.training import Trainer

_CHEAP = {"held_out": Effort(epochs=1 / 6), "train": Effort(samples=1 / 4)}
_SCALED = 3  # atoms that are tried at other scales
_CLIMBS = 2  # rounds after that, while other scales are better


def look_ahead(
    problem: SearchProblem, trainer: Trainer, *, n_layers: int, width: int, selection: Selection
) -> SearchResult:
    """Decide the layers one after another, each in networks of full depth.

    First every atom is tried in all layers, the best of them at other scales. Then, layer by layer,
    the better half of the atoms in that layer and all after it, behind the best `width` beginnings.
    The two best sequences and the best single atom are finalists.
    """
    atoms, effort = list(problem.dictionary), _CHEAP[selection]
    n_better = max(-(-len(atoms) // 2), 3)
    n_entries = len(atoms) + n_better * (n_layers - 1) * width + 2 * (_SCALED + _CLIMBS)
    contest = Contest(problem, trainer, selection, cost=n_entries * effort.cost + 3)
    tried: set[str] = set()
    known: list[Standing] = []

    def try_out(name: str, entries: Iterable[Entry]) -> list[Standing]:
        new = [entry for entry in entries if entry.name not in tried]
        if new and not contest.stopped:
            tried.update(entry.name for entry in new)
            try:
                known.extend(contest.round(name, new, effort))
            except DivergenceError:
                if not known:  # those of the rounds before are still there
                    raise
        return sorted(known, key=lambda standing: standing.loss)

    singles = [Entry.of([atom] * n_layers, selection) for atom in atoms]
    ranking = try_out("layer 1", singles)
    for n_scaled in (_SCALED, *[1] * _CLIMBS):
        best = [s.entry for s in ranking if s.entry.is_scalable(problem)][:n_scaled]
        ranking = try_out("scales", [e.scaled(by) for e in best for by in (0.5, 2.0)])
    better = list({s.entry.atoms[0]: None for s in ranking})[:n_better]
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
    single = next((s for s in ranking if s.entry.is_single), ranking[0])
    return contest.decide([*[s.entry for s in ranking[:2]], single.entry])
