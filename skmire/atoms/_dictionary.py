"""The dictionary of atoms that a search chooses from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from torch import Tensor

from skmire._names import did_you_mean
from skmire.atoms._base import Atom
from skmire.atoms._function import FunctionAtom
from skmire.atoms._gabor import ComplexGabor, Gabor
from skmire.atoms._gaussian import Gaussian
from skmire.atoms._propagation import input_spread
from skmire.atoms._pswf import PSWF
from skmire.atoms._raised_cosine import RaisedCosine, RootRaisedCosine
from skmire.atoms._relu import ReLU
from skmire.atoms._sinc import Sinc
from skmire.atoms._sinusoid import Sinusoid
from skmire.atoms._variable_periodic import VariablePeriodic

#: What a dictionary may hold: a name, an atom, an Atom class or a callable on tensors.
AtomLike = str | Atom | type[Atom] | Callable[[Tensor], Tensor]

#: Every atom that has a name, and how to make it.
REGISTRY: dict[str, Callable[[], Atom]] = {
    "sinc": Sinc,
    "raised_cosine": RaisedCosine,
    "root_raised_cosine": RootRaisedCosine,
    "pswf": PSWF,
    "gabor": Gabor,
    "gaussian": Gaussian,
    "sinusoid": Sinusoid,
    "complex_gabor": ComplexGabor,
    "finer": lambda: VariablePeriodic(Sinusoid()),
    "relu": ReLU,
}

#: The paper's seven.
PAPER_ATOMS = tuple(REGISTRY)[:7]
#: What an encoder chooses from unless told otherwise.
DEFAULT_ATOMS = (*PAPER_ATOMS, "finer")

_LEAST_SPREAD = 1e-3  # behind atoms that hand on next to nothing


def make_atom(atom: AtomLike) -> Atom:
    """Turn a name, an Atom class, a configured atom or a plain callable into an atom.

    Parameters
    ----------
    atom : str, Atom, type or callable
        What a dictionary may hold.

    Returns
    -------
    atom : Atom
        Of the name it has in a dictionary.

    Raises
    ------
    ValueError
        If a name is not known.
    TypeError
        If it is none of these.

    Examples
    --------
    >>> from skmire.atoms import make_atom
    >>> make_atom("gaussian")
    Gaussian(scale=1)
    """
    if isinstance(atom, Atom):
        return atom
    if isinstance(atom, str):
        if atom not in REGISTRY:
            raise ValueError(f"There is no atom {atom!r}. {did_you_mean(atom, REGISTRY)}")
        return REGISTRY[atom]()
    if isinstance(atom, type) and issubclass(atom, Atom):
        return atom()
    if not isinstance(atom, type) and callable(atom):
        return FunctionAtom(atom)
    raise TypeError(
        "An atom must be a name, an Atom class, a configured atom or a callable on tensors; "
        f"got {atom!r}."
    )


class ActivationDictionary(BaseEstimator):
    """Atoms to choose from, and how their parameters start.

    Parameters
    ----------
    atoms : sequence of {str, Atom, Atom class, callable}, default=None
        The atoms, each under a name of its own. ``None`` means the paper's seven (sinc, raised
        cosine, root raised cosine, prolate spheroidal, Gabor (real), Gaussian, sinusoid) and
        FINER's, the variable-periodic sinusoid.
    init : {"matched", "base", "unit"}, float or tuple, default="matched"
        How the parameters of an atom start, unless the atom was made with a value.

        - ``"matched"``: the first layer's scale is proportional to the bandwidth of the signal, as
          `skmire.spectrum.estimate_bandwidth` finds it from the samples; that of hidden layers is
          such that what enters their atom is spread alike whatever the atoms before it, both as the
          atom's `matched_scales` say; the rest as in ``"base"``;
        - ``"base"``: the scales the field has found to work on images with coordinates in
          [-1, 1]: 30 in the first layer and 10 in hidden ones, 10 and 3 for variable-periodic
          atoms; roll-off 0.5, amplitude 1, offset and phase 0;
        - ``"unit"``: the paper's base configuration, every scale 1 and the rest as above;
        - a number above 0: this scale in every layer, and the rest as above; two numbers
          ``(first, hidden)``: one in the first layer, the other in hidden ones;
        - ``("uniform", a, b)``: each parameter drawn from U(a, b), as in the paper's experiments;
        - ``("normal", mu, sigma)``: each parameter drawn from N(mu, sigma**2).

        A drawn roll-off is reflected into [0, 1].

    Examples
    --------
    >>> from skmire.atoms import ActivationDictionary
    >>> dictionary = ActivationDictionary(["gabor", "sinc"], init="unit")
    >>> dictionary.names
    ('gabor', 'sinc')
    >>> dictionary.add("finer").drop("gabor").names
    ('sinc', 'finer')
    >>> (dictionary | ActivationDictionary(["gaussian"])).names
    ('gabor', 'sinc', 'gaussian')
    """

    def __init__(
        self,
        atoms: Sequence[AtomLike] | None = None,
        *,
        init: str | float | tuple[float, float] | tuple[str, float, float] = "matched",
    ) -> None:
        self.atoms = atoms
        self.init = init

    @classmethod
    def paper(cls, *, init: Any = "matched") -> Self:
        """Return the dictionary of the paper's seven atoms.

        Parameters
        ----------
        init : str, float or tuple, default="matched"
            As for the class.

        Returns
        -------
        dictionary : ActivationDictionary
        """
        return cls(PAPER_ATOMS, init=init)

    @classmethod
    def extended(cls, *, init: Any = "matched") -> Self:
        """Return the dictionary of the paper's seven atoms and the variable-periodic warp of each.

        Parameters
        ----------
        init : str, float or tuple, default="matched"
            As for the class.

        Returns
        -------
        dictionary : ActivationDictionary
        """
        warped = [VariablePeriodic(make_atom(name)) for name in PAPER_ATOMS]
        return cls([*PAPER_ATOMS, *warped], init=init)

    def resolve(self) -> dict[str, Atom]:
        """Return the atoms by name.

        Returns
        -------
        atoms : dict of str to Atom
            In the order in which they were given.

        Raises
        ------
        ValueError
            If there are none, a name is not known, or two atoms share a name.
        TypeError
            If an entry is no atom.
        """
        listed = DEFAULT_ATOMS if self.atoms is None else self.atoms
        if isinstance(listed, str) or not isinstance(listed, Sequence):
            raise TypeError(
                f"ActivationDictionary(atoms=...) must be a list of atoms, got {listed!r}; "
                "write a single one as a list of one."
            )
        if not listed:
            raise ValueError("ActivationDictionary(atoms=...) must hold at least one atom.")
        resolved: dict[str, Atom] = {}
        for entry in listed:
            atom = make_atom(entry)
            if atom.name in resolved:
                raise ValueError(
                    f"Two atoms of the dictionary are called {atom.name!r}; drop one, or give one "
                    "another `name`."
                )
            resolved[atom.name] = atom
        return resolved

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the atoms, in order."""
        return tuple(self.resolve())

    def add(self, *atoms: AtomLike) -> Self:
        """Return a new dictionary with `atoms` appended.

        Parameters
        ----------
        *atoms : str, Atom, type or callable
            Atoms whose names are not taken yet.

        Returns
        -------
        dictionary : ActivationDictionary
            With the same ``init``; this one stays as it is.
        """
        return self._with([*self.resolve().values(), *map(make_atom, atoms)])

    def drop(self, *names: str) -> Self:
        """Return a new dictionary without the atoms of these `names`.

        Parameters
        ----------
        *names : str
            Names of atoms in the dictionary.

        Returns
        -------
        dictionary : ActivationDictionary
            With the same ``init``; this one stays as it is.

        Raises
        ------
        ValueError
            If an atom is not in the dictionary.
        """
        kept = self.resolve()
        for name in names:
            if name not in kept:
                raise ValueError(
                    f"The dictionary holds no atom {name!r}. {did_you_mean(name, kept)}"
                )
            del kept[name]
        return self._with(list(kept.values()))

    def union(self, other: ActivationDictionary) -> Self:
        """Return a new dictionary with the atoms of both, those of `self` first.

        Parameters
        ----------
        other : ActivationDictionary
            Its atoms whose names are not taken are appended; its ``init`` is not used.

        Returns
        -------
        dictionary : ActivationDictionary
            With the ``init`` of `self`.
        """
        mine = self.resolve()
        return self._with(
            [*mine.values(), *(a for n, a in other.resolve().items() if n not in mine)]
        )

    def __or__(self, other: ActivationDictionary) -> Self:
        return self.union(other)

    def __iter__(self) -> Iterator[Atom]:
        return iter(self.resolve().values())

    def __len__(self) -> int:
        return len(self.resolve())

    def __contains__(self, name: object) -> bool:
        return name in self.resolve()

    def initialise(
        self,
        atom: Atom,
        *,
        before: Sequence[Atom] = (),
        stream: np.random.Generator,
        bandwidth: float | None = None,
        factor: float = 1.0,
    ) -> Atom:
        """Return a copy of `atom` whose parameters start as `init` says.

        Parameters
        ----------
        atom : Atom
            The atom; parameters it was made with are kept.
        before : sequence of Atom, default=()
            Those of the layers before, as they start, the first one first; none for the first
            layer.
        stream : numpy.random.Generator
            Source of the draws, one for each of the atom's parameters.
        bandwidth : float, default=None
            The signal's, in radians per unit of the box, for ``"matched"``, which is ``"base"``
            without it.
        factor : float, default=1.0
            By how much the scale is to differ from what `init` says; drawn ones do not.

        Returns
        -------
        atom : Atom
            Ready to be trained; `atom` stays as it is.
        """
        law, a, b = self.check_init()
        if law == "matched" and bandwidth is not None:
            per_bandwidth, spread = atom.matched_scales
            hidden = spread / max(input_spread(before), _LEAST_SPREAD)
            scale = hidden if before else per_bandwidth * bandwidth
            matched = atom.fresh(atom.at_scale(factor * scale))
            if not set(atom.scale_parameters) & set(atom.start):
                matched.step_rate = atom.matched_step_rate
            return matched
        if law in ("matched", "base"):
            a, b = atom.image_scales
        if law == "unit":
            scales = {name: factor * atom.base[name] for name in atom.scale_parameters}
            return atom.fresh({**atom.base, **scales})
        if law not in ("uniform", "normal"):
            return atom.fresh(atom.at_scale(factor * (b if before else a)))
        draw = stream.uniform if law == "uniform" else stream.normal
        draws = draw(a, b, len(atom.base))
        return atom.fresh(dict(zip(atom.base, draws.tolist(), strict=True)))

    def check_init(self) -> tuple[str, float, float]:
        """Return `init` as a law and its two numbers, or say what it must be.

        Returns
        -------
        law : str
            ``"matched"``, ``"base"``, ``"unit"``, ``"scales"``, ``"uniform"`` or ``"normal"``.
        a, b : float
            The scales of the first layer and of hidden ones, or the numbers of the draw; 0 where
            there is neither.

        Raises
        ------
        ValueError
            If `init` is none of those documented.
        """
        init: Any = self.init  # whatever the user gave
        match init:
            case str() if init in ("matched", "base", "unit"):
                return init, 0.0, 0.0
            case bool():
                pass  # which Python takes for a number
            case Real() if 0 < float(init) < np.inf:
                return "scales", float(init), float(init)
            case [Real(), Real()] if all(0 < scale < np.inf for scale in init):
                return "scales", float(init[0]), float(init[1])
            case ["uniform", Real(), Real()] if -np.inf < init[1] < init[2] < np.inf:
                return "uniform", float(init[1]), float(init[2])
            case ["normal", Real(), Real()] if np.isfinite(init[1]) and 0 < init[2] < np.inf:
                return "normal", float(init[1]), float(init[2])
        raise ValueError(
            "ActivationDictionary(init=...) must be 'matched', 'base', 'unit', a scale above 0, a "
            "pair of these (first layer, hidden ones), ('uniform', a, b) with a < b, or "
            f"('normal', mu, sigma) with sigma > 0; got {init!r}."
        )

    def _with(self, atoms: list[Atom]) -> Self:
        return type(self)(atoms, init=self.init)
