"""A sequence of atoms as searches try it: with the scales and rates that it starts at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from skmire._random import numpy_stream
from skmire.atoms import Atom
from skmire.search._base import SearchProblem
from skmire.search._judge import Selection

#: First and hidden scales and rates, times those of the signal between samples.
_TO_REPRESENT = (2.0, 1.0, 2.0)


@dataclass(frozen=True)
class Entry:
    """A sequence of atoms, one a layer.

    Parameters
    ----------
    atoms : tuple of Atom
        As the dictionary holds them.
    first, hidden : float, default=1.0
        By how much the scales of the first layer and of hidden ones differ from what the
        dictionary says.
    rate : float, default=1.0
        By how much the rates of the atoms differ from what they are.
    """

    atoms: tuple[Atom, ...]
    first: float = 1.0
    hidden: float = 1.0
    rate: float = 1.0

    @classmethod
    def of(cls, atoms: Iterable[Atom], selection: Selection) -> Self:
        """Return a sequence at the scales to begin with: larger ones to represent samples alone."""
        return cls(tuple(atoms), *(_TO_REPRESENT if selection == "train" else ()))

    def is_scalable(self, problem: SearchProblem) -> bool:
        """Return whether its first scale is neither drawn, nor fixed by the user, nor missing."""
        first, law = self.atoms[0], problem.dictionary.check_init()[0]
        free = set(first.scale_parameters) - set(first.start)
        return bool(free) and law not in ("uniform", "normal")

    @property
    def sequence(self) -> str:
        """Names of its atoms."""
        return "-".join(atom.name for atom in self.atoms)

    @property
    def factors(self) -> tuple[float, float, float]:
        """By how much its first scale, its hidden ones and its rates differ from the usual."""
        return self.first, self.hidden, self.rate

    @property
    def name(self) -> str:
        """Names of its atoms, and the factors if they are others than 1."""
        if set(self.factors) == {1.0}:
            return self.sequence
        return f"{self.sequence} × " + ", ".join(f"{factor:g}" for factor in self.factors)

    @property
    def depth(self) -> int:
        """How many layers it has."""
        return len(self.atoms)

    @property
    def is_single(self) -> bool:
        """Whether all layers have the same atom."""
        return len({atom.name for atom in self.atoms}) == 1

    def scaled(self, *, first: float = 1.0, hidden: float = 1.0, rate: float = 1.0) -> Self:
        """Return the sequence at other scales of its first layer or of hidden ones, or rates."""
        by = {"first": first, "hidden": hidden, "rate": rate}
        return replace(self, **{name: getattr(self, name) * times for name, times in by.items()})

    def half_and_twice(self) -> list[Self]:
        """Return the sequence at half and at twice its first scale."""
        return [self.scaled(first=by) for by in (0.5, 2.0)]

    def filled(self, layer: int, atom: Atom) -> Self:
        """Return the sequence with `atom` in a layer and in all after it."""
        rest = [atom] * (len(self.atoms) - layer)
        return replace(self, atoms=(*self.atoms[:layer], *rest))

    def started(self, problem: SearchProblem, seed: int) -> tuple[Atom, ...]:
        """Return copies of its atoms with the parameters to start from."""
        started: list[Atom] = []
        for layer, atom in enumerate(self.atoms):
            stream = numpy_stream(seed, "parameters", layer)
            factor = self.hidden if layer else self.first
            new = problem.initialise(atom, before=started, stream=stream, factor=factor)
            new.step_rate *= self.rate
            started.append(new)
        return tuple(started)
