"""How many layers: one more as long as that helps."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from skmire.atoms import Atom
from skmire.search._contest import CHEAP, Contest, Effort, Standing
from skmire.search._entry import Entry

#: Constraints of the parameters of a search that can settle its depth.
CONSTRAINTS: dict[str, list[Any]] = {
    "n_layers": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    "max_layers": [Interval(Integral, 1, None, closed="left")],
}

# What is left of the loss, at most, after a layer more that was worth it: up to the three layers of
# the default, and beyond. Few epochs favour depth: what deep networks gained by less than 1.5 dB
# they lost again in all epochs (benchmarks/automatic_depth.py).
_USUAL, _WORTH, _WORTH_BEYOND = 3, 0.9, 0.7
_ALL = 2  # layers up to which every atom is tried, then the better half


def most_layers(n_layers: int | str, max_layers: int) -> int:
    """Return how many layers a search may come to."""
    return max_layers if isinstance(n_layers, str) else n_layers


def settled_depth(
    contest: Contest,
    n_layers: int | str,
    max_layers: int,
    *,
    cost: float = 0.0,
    effort: Effort | None = None,
) -> int:
    """Return how many layers the networks of a contest are to have.

    That is `n_layers`, or for ``"auto"`` as many as help: single atoms are tried in one layer, in
    two and so on, until the best of a depth is no longer clearly better than the best before.

    Parameters
    ----------
    contest : Contest
        It forgets what it has tried at other depths.
    n_layers : int or "auto"
    max_layers : int
        Where ``"auto"`` ends.
    cost : float, default=0.0
        Of the rounds that follow, which is what the contest is left with.
    effort : Effort, default=None
        That networks are tried with; ``None`` for that of cheap rounds.
    """
    contest.cost = cost
    if not isinstance(n_layers, str):
        return n_layers
    effort = effort or CHEAP[contest.judge]
    atoms = list(contest.problem.dictionary)
    best: list[Standing] = []
    for depth in range(1, max_layers + 1):
        contest.cost = cost + len(atoms) * effort.cost * (max_layers - depth + 1)
        entries = [Entry.of([atom] * depth, contest.judge) for atom in atoms]
        tried = contest.try_out(f"depth {depth}", entries, effort)
        ranking = [standing for standing in tried if standing.entry.depth == depth]
        worth = _WORTH if depth <= _USUAL else _WORTH_BEYOND
        if not ranking or (best and ranking[0].loss > worth * best[0].loss):
            break
        best = ranking
        if depth >= _ALL:
            atoms = better_half(ranking)
    contest.cost = cost
    contest.settle(best[0].entry.depth)
    return best[0].entry.depth


def better_half(ranking: Sequence[Standing]) -> list[Atom]:
    """Return those first atoms that rank in the better half, at least three if there are."""
    atoms = list({standing.entry.atoms[0]: None for standing in ranking})
    return atoms[: n_better(len(atoms))]


def n_better(n_atoms: int) -> int:
    """Return how many of so many atoms are the better half."""
    return max(-(-n_atoms // 2), 3)
