"""A given sequence, trained once."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

from sklearn.utils._param_validation import Interval

from skmire._digest import without_addresses
from skmire._logging import logger
from skmire._random import derive_seed, numpy_stream
from skmire.atoms import Atom, AtomLike, make_atom
from skmire.search._base import (
    BaseLayerSearch,
    DivergenceError,
    SearchProblem,
    train_candidate,
)
from skmire.search._result import Candidate, SearchResult
from skmire.training import Trainer


class FixedSequence(BaseLayerSearch):
    """No search: the atoms are given, and the network is trained once, for `max_epochs`.

    Parameters
    ----------
    atoms : str, Atom, Atom class, callable, or sequence of these
        One atom for all layers, or a sequence of one a layer. A name is looked up among the
        encoder's dictionary first; the dictionary also says how its parameters start.
    n_layers : int, default=3
        Hidden layers, if `atoms` is a single one; a sequence has as many as it has atoms.
    train_atoms : bool, default=True
        Whether the parameters of the atoms are trained. Most published networks keep theirs.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import FixedSequence, MIREncoder
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = MIREncoder(search=FixedSequence(["sinusoid", "gaussian"]), max_epochs=5)
    >>> encoder.fit(x, np.cos(20 * x[:, 0])).activations_
    ['sinusoid', 'gaussian']

    A sequence that was found on one signal, with its parameters, for the next one:

    >>> reused = FixedSequence.from_result(encoder.search_result_)
    >>> encoder.set_params(search=reused).fit(x, np.cos(21 * x[:, 0])).activations_
    ['sinusoid', 'gaussian']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "atoms": [str, Atom, type, callable, list, tuple],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "train_atoms": ["boolean"],
    }

    def __init__(
        self,
        atoms: AtomLike | Sequence[AtomLike],
        n_layers: int = 3,
        *,
        train_atoms: bool = True,
    ) -> None:
        self.atoms = atoms
        self.n_layers = n_layers
        self.train_atoms = train_atoms

    @classmethod
    def from_result(cls, result: SearchResult) -> Self:
        """Return the sequence of a search, its atoms at the parameters found.

        Parameters
        ----------
        result : SearchResult
            As in ``encoder.search_result_``.

        Returns
        -------
        search : FixedSequence
        """
        return cls([atom.configured() for atom in result.network.sequence])

    @property
    def depth(self) -> int:
        return len(self.atoms) if isinstance(self.atoms, list | tuple) else self.n_layers

    @property
    def settled(self) -> dict[str, Any]:
        return {**super().settled, "the sequence": without_addresses(str(self.atoms))}

    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        seed = derive_seed(problem.seed, "layer", 1)
        atoms: list[Atom] = []
        for i, atom in enumerate(self._resolve(problem)):
            stream = numpy_stream(seed, "parameters", i)
            atoms.append(problem.initialise(atom, before=atoms, stream=stream))
        name = "-".join(atom.name for atom in atoms)
        task = problem.task.start(f"sequence {name}", n_subtasks=problem.max_epochs)
        network, training = train_candidate(
            problem,
            trainer,
            atoms,
            epochs=problem.max_epochs,
            seconds=problem.seconds_left,
            seed=seed,
            task=task,
            frozen=0 if self.train_atoms else len(atoms),
        )
        task.finish(network)
        if training.diverged:
            raise DivergenceError(
                f"The sequence {name} {training.outcome}. Lower the trainer's learning_rate (now "
                f"{trainer.learning_rate:g}) or the scales that the dictionary's init starts from."
            )
        candidate = Candidate(
            layer=len(atoms),
            atom=name,
            seed=seed,
            effective_epochs=len(training.curve),
            training=training,
            loss=training.kept.loss("held_out"),
            chosen=True,
            planned=problem.max_epochs,
        )
        if problem.verbose:
            logger.info("%s: loss %.3e in %.1f s", name, candidate.loss, training.seconds)
        return SearchResult((network,), (candidate,))

    def _resolve(self, problem: SearchProblem) -> list[Atom]:
        given = self.atoms
        if isinstance(given, list | tuple):
            if not given:
                raise ValueError("FixedSequence(atoms=...) must hold at least one atom.")
            listed = list(given)
        else:
            listed = [given] * self.n_layers
        known = problem.dictionary.resolve()
        return [
            known.get(a) or make_atom(a) if isinstance(a, str) else make_atom(a) for a in listed
        ]
