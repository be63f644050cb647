"""The seam between an encoder and the strategy that decides its atoms.

A search receives an immutable `SearchProblem` and a trainer, and returns a frozen `SearchResult`.
It decides which networks are worth training; how one is trained is the trainer's business, and no
search touches an optimiser. `train_candidate` is what strategies have in common: a network made
of given atoms, from a seed of its own, trained under a budget.
"""

from __future__ import annotations

import copy
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skmire._callbacks import Task
from skmire._random import torch_stream
from skmire.atoms import ActivationDictionary, Atom, Sinusoid
from skmire.networks import BaseArchitecture, LayeredField
from skmire.search._checkpoint import Checkpoint
from skmire.search._result import SearchResult
from skmire.spectrum import overall_bandwidth, relative_bandwidth
from skmire.training import Samples, Trainer, Training

_WAVES = Sinusoid(frequency=30.0)  # hands on as much as an encoding does


class DivergenceError(RuntimeError):
    """Training diverged in every candidate of a stage.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import FixedSequence, MIREncoder, Trainer
    >>> from skmire.search import DivergenceError
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = MIREncoder(search=FixedSequence("relu"), trainer=Trainer(learning_rate=1e30))
    >>> try:
    ...     encoder.fit(x, np.cos(20 * x[:, 0]))
    ... except DivergenceError as error:
    ...     print(error)
    The sequence relu-relu-relu diverged: no finite loss. Lower the trainer's learning_rate ...
    """


@dataclass(frozen=True)
class SearchProblem:
    """Everything a search may know of a fit.

    Parameters
    ----------
    samples : Samples
        Scaled, on the device that trains.
    held_out : Samples or None
        Samples that no candidate trains on, if the trainer or the search wants any.
    dictionary : ActivationDictionary
        The atoms to choose from, and how their parameters start.
    architecture : BaseArchitecture
        What networks of these atoms are like otherwise.
    hidden_width : int
        Units in each hidden layer.
    max_epochs : int
        Epochs along the path of the sequence that is returned.
    deadline : float or None
        Value of ``time.monotonic()`` by which the search should end.
    seed : int
        Root of every random stream.
    n_jobs : int or None
        Candidates trained side by side.
    verbose : int
        From 1 on, stages are logged; from 2 on, candidates.
    task : Task
        The fit, for progress.
    bandwidth : ndarray of shape (n_dims,), default=None
        Of the signal along each axis, in radians per unit of the box; ``None`` if unknown.
    checkpoint : Checkpoint, default=None
        Where finished candidates are kept, if they are; `train_candidate` sees to it.

    Examples
    --------
    A search that says what it is asked, and then does not search:

    >>> import numpy as np
    >>> from skmire import FixedSequence, MIREncoder
    >>> class Talkative(FixedSequence):
    ...     def search(self, problem, trainer):
    ...         print(problem.dictionary.names, tuple(problem.samples.inputs.shape))
    ...         return super().search(problem, trainer)
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = MIREncoder(["gabor", "sinc"], Talkative("sinc"), max_epochs=2)
    >>> encoder.fit(x, np.cos(20 * x[:, 0])).activations_
    ('gabor', 'sinc') (64, 1)
    ['sinc', 'sinc', 'sinc']
    """

    samples: Samples
    held_out: Samples | None
    dictionary: ActivationDictionary
    architecture: BaseArchitecture
    hidden_width: int
    max_epochs: int
    deadline: float | None
    seed: int
    n_jobs: int | None
    verbose: int
    task: Task
    bandwidth: NDArray[np.float64] | None = None
    checkpoint: Checkpoint | None = None

    @property
    def stretch(self) -> NDArray[np.float64] | None:
        """How first weights start along each axis, if scales are to be matched to the signal."""
        if self.bandwidth is None or self.dictionary.check_init()[0] != "matched":
            return None
        return relative_bandwidth(self.bandwidth)

    def even(self) -> Self:
        """Return the problem with the same bandwidth along every axis.

        Returns
        -------
        problem : SearchProblem
            Of the same bandwidth overall, so that scales start as they did.
        """
        if self.bandwidth is None:
            return self
        alike = np.full_like(self.bandwidth, overall_bandwidth(self.bandwidth))
        return replace(self, bandwidth=alike)

    def initialise(
        self,
        atom: Atom,
        *,
        before: Sequence[Atom] = (),
        stream: np.random.Generator,
        factor: float = 1.0,
    ) -> Atom:
        """Return a copy of `atom` that starts as the dictionary says, for this signal.

        Parameters
        ----------
        atom : Atom
            Of the dictionary, or any other.
        before : sequence of Atom, default=()
            Those of the layers before, as they start, the first one first; none for the first
            layer.
        stream : numpy.random.Generator
            Source of the draws, if the dictionary has its parameters drawn.
        factor : float, default=1.0
            By how much the scale is to differ from what the dictionary says.

        Returns
        -------
        atom : Atom
            Ready to be trained.
        """
        bandwidth = None if self.bandwidth is None else overall_bandwidth(self.bandwidth)
        if not self.architecture.reads_coordinates:
            before = (_WAVES, *before)
        return self.dictionary.initialise(
            atom, before=before, stream=stream, bandwidth=bandwidth, factor=factor
        )

    def build(self, atoms: Sequence[Atom], seed: int) -> LayeredField:
        """Return a network of these atoms for the problem, its weights as they start.

        Parameters
        ----------
        atoms : sequence of Atom
            One a layer, with the parameters to start from; they become the network's own.
        seed : int
            Of the weights.

        Returns
        -------
        network : LayeredField
            On the device of the samples.
        """
        samples = self.samples
        return self.architecture.build(
            atoms,
            in_features=samples.n_dims,
            out_features=samples.n_outputs,
            hidden_width=self.hidden_width,
            generator=torch_stream(seed, "weights"),
            dtype=samples.targets.dtype,
            stretch=self.stretch,
            signal=None if samples.readout else (samples.inputs, samples.targets),
        ).to(samples.inputs.device)

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the deadline, ``None`` without one."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 1e-3)


class BaseLayerSearch(BaseEstimator, ABC):
    """Strategy that decides the atom of every layer.

    To write one of your own: take hyper-parameters in ``__init__`` and store them, as
    scikit-learn's estimators do, say the `depth` of the networks and write `search`.

    Examples
    --------
    The same atom in both layers, the first of the dictionary:

    >>> import numpy as np
    >>> from skmire import FixedSequence, MIREncoder
    >>> from skmire.search import BaseLayerSearch
    >>> class FirstAtom(BaseLayerSearch):
    ...     depth = 2
    ...     def search(self, problem, trainer):
    ...         first = problem.dictionary.names[0]
    ...         return FixedSequence(first, self.depth).search(problem, trainer)
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = MIREncoder(["gabor", "sinc"], FirstAtom(), max_epochs=2)
    >>> encoder.fit(x, np.cos(20 * x[:, 0])).activations_
    ['gabor', 'gabor']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}  # none, unless a search has some

    @property
    @abstractmethod
    def depth(self) -> int:
        """Most hidden layers that a network it returns has: all do, but where it finds how many."""

    @abstractmethod
    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        """Return the sequence found for `problem`, and how.

        Parameters
        ----------
        problem : SearchProblem
            The samples, the dictionary and the budget.
        trainer : Trainer
            What fits one network.

        Returns
        -------
        result : SearchResult
            The networks of its stages, and a record of every candidate.

        Raises
        ------
        DivergenceError
            If no candidate of a stage could be trained.
        """

    def wants_held_out(self, trainer: Trainer) -> bool:
        """Return whether samples should be held out for this search with this trainer.

        Parameters
        ----------
        trainer : Trainer
            The encoder's; one that stops early needs held-out samples itself.

        Returns
        -------
        wanted : bool
            True if the trainer stops early, unless a search says otherwise.
        """
        return trainer.early_stopping

    @property
    def settled(self) -> dict[str, Any]:
        """What cannot change where a network it found is trained further, by what it is called."""
        return {
            "the kind of search": type(self).__name__,
            "the number of layers": self.depth,
            "the number of networks": 1,
        }


def train_candidate(
    problem: SearchProblem,
    trainer: Trainer,
    atoms: Sequence[Atom],
    *,
    epochs: int,
    seconds: float | None,
    seed: int,
    task: Task,
    frozen: int = 0,
) -> tuple[LayeredField, Training]:
    """Train one network of these atoms, its weights from scratch.

    If the fit has a checkpoint, a candidate that was finished before is taken from there, and one
    that is finished now is kept there. One that a time limit or a callback cut short is not.

    Parameters
    ----------
    problem : SearchProblem
        The samples and the seed.
    trainer : Trainer
        What fits the network.
    atoms : sequence of Atom
        One a layer, with the parameters to start from.
    epochs : int
        Passes over the samples.
    seconds : float or None
        Time it may take.
    seed : int
        Of its weights and batches.
    task : Task
        Told of every epoch.
    frozen : int, default=0
        How many of the first layers keep the parameters of their atoms.

    Returns
    -------
    network : LayeredField
        In the best state seen.
    training : Training
        How it went.

    Examples
    --------
    A search that trains one network of one layer:

    >>> import numpy as np
    >>> from skmire import MIREncoder
    >>> from skmire.atoms import Gaussian
    >>> from skmire.search import BaseLayerSearch, Candidate, SearchResult, train_candidate
    >>> class OneBell(BaseLayerSearch):
    ...     depth = 1
    ...     def search(self, problem, trainer):
    ...         epochs, seed = problem.max_epochs, problem.seed
    ...         task = problem.task.start("bell", n_subtasks=epochs)
    ...         network, training = train_candidate(
    ...             problem, trainer, [Gaussian(scale=5.0)], epochs=epochs,
    ...             seconds=problem.seconds_left, seed=seed, task=task,
    ...         )
    ...         task.finish(network)
    ...         loss = training.kept.loss("held_out")
    ...         row = Candidate(1, "gaussian", seed, epochs, training, loss, chosen=True)
    ...         return SearchResult((network,), (row,))
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> MIREncoder(search=OneBell(), max_epochs=5).fit(x, np.cos(20 * x[:, 0])).n_iter_
    5
    """
    network, key = _untrained(problem, trainer, atoms, epochs=epochs, seed=seed, frozen=frozen)
    checkpoint, timed = problem.checkpoint, seconds is not None
    if checkpoint is not None:
        finished = checkpoint.restore(key, network, timed=timed)
        if finished is not None:
            return network, finished
    training = trainer.train(
        network,
        problem.samples,
        problem.held_out,
        epochs=epochs,
        seconds=seconds,
        generator=torch_stream(seed, "batches"),
        task=task,
    )
    if checkpoint is not None and not training.cut_short:
        checkpoint.keep(key, network, training, timed=timed)
    return network, training


def is_finished(
    problem: SearchProblem,
    trainer: Trainer,
    atoms: Sequence[Atom],
    *,
    epochs: int,
    seconds: float | None,
    seed: int,
    frozen: int = 0,
) -> bool:
    """Return whether `train_candidate` would find this candidate in the checkpoint.

    The network that is built of the atoms is not theirs: they are copied.
    """
    if problem.checkpoint is None:
        return False
    _, key = _untrained(
        problem, trainer, copy.deepcopy(atoms), epochs=epochs, seed=seed, frozen=frozen
    )
    return problem.checkpoint.holds(key, timed=seconds is not None)


def _untrained(
    problem: SearchProblem,
    trainer: Trainer,
    atoms: Sequence[Atom],
    *,
    epochs: int,
    seed: int,
    frozen: int,
) -> tuple[LayeredField, str]:
    """Return the network of a candidate, and its name in the checkpoint if there is one."""
    network = problem.build(atoms, seed)
    for atom in network.sequence[:frozen]:
        atom.requires_grad_(False)
    if problem.checkpoint is None:
        return network, ""
    return network, problem.checkpoint.key(
        network, trainer, problem.samples, problem.held_out, epochs=epochs, seed=seed
    )
