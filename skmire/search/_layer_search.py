"""The paper's greedy growth: one layer at a time, every atom tried, the best one kept."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skmire._callbacks import Task
from skmire._logging import logger
from skmire._random import derive_seed, numpy_stream
from skmire.atoms import Atom
from skmire.networks import LayerStack
from skmire.search._base import BaseLayerSearch, DivergenceError, SearchProblem
from skmire.search._result import Candidate, SearchResult
from skmire.search._side_by_side import Plan, train_side_by_side
from skmire.training import Trainer


class LayerSearch(BaseLayerSearch):
    """Greedy search layer by layer, as the paper grows its networks.

    At layer i every atom of the dictionary is tried in a fresh network of i hidden layers,
    weights from scratch: layers 1 to i - 1 have the atoms chosen before, with the parameters
    found so far, and layer i has the candidate. The atom of least loss is kept, with its
    parameters. The winner of the last layer is the fit.

    All candidates of a layer share one seed of weights and batches, so that they differ in the
    atom alone. A candidate that diverges is recorded and passed over.

    Parameters
    ----------
    n_layers : int, default=3
        Hidden layers, at least 1.
    epochs : tuple of int, default=None
        Epochs of each candidate, layer by layer; the paper's are (100, 100, 200). ``None`` shares
        out the encoder's `max_epochs` over the layers: half to the last one, the rest alike to
        those before. Every layer gets at least one, though `max_epochs` be too few for that.
    selection : {"auto", "train", "held_out"}, default="auto"
        Samples whose loss decides. ``"auto"`` is held-out ones if the trainer stops early, and
        the training samples otherwise. The paper leaves it open.
    compare : {"best", "last"}, default="best"
        Loss of the best state or of the state after the last epoch. The paper leaves it open.
    train_earlier : bool, default=True
        Whether the atoms of earlier layers go on training their parameters, from those found so
        far. The paper leaves it open.

    References
    ----------
    MIRE: Matched Implicit Neural Representations, CVPR 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import LayerSearch, MIREncoder
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> search = LayerSearch(n_layers=2, epochs=(5, 10))
    >>> encoder = MIREncoder(["gabor", "sinusoid"], search, hidden_width=32, random_state=0)
    >>> encoder.fit(x, np.cos(20 * x[:, 0])).search_results_["layer"].tolist()
    [1, 1, 2, 2]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "epochs": [None, tuple, list],
        "selection": [StrOptions({"auto", "train", "held_out"})],
        "compare": [StrOptions({"best", "last"})],
        "train_earlier": ["boolean"],
    }

    def __init__(
        self,
        n_layers: int = 3,
        epochs: Sequence[int] | None = None,
        *,
        selection: str = "auto",
        compare: str = "best",
        train_earlier: bool = True,
    ) -> None:
        self.n_layers = n_layers
        self.epochs = epochs
        self.selection = selection
        self.compare = compare
        self.train_earlier = train_earlier

    @property
    def depth(self) -> int:
        return self.n_layers

    def wants_held_out(self, trainer: Trainer) -> bool:
        return self.selection == "held_out" or trainer.early_stopping

    def layer_epochs(self, max_epochs: int) -> tuple[int, ...]:
        """Return the epochs of a candidate at each layer.

        Parameters
        ----------
        max_epochs : int
            The encoder's, shared out if this search was not given its own.

        Returns
        -------
        epochs : tuple of int
            One number a layer, the first layer first.

        Raises
        ------
        ValueError
            If `epochs` was given and does not hold one positive integer a layer.

        Examples
        --------
        >>> from skmire import LayerSearch
        >>> LayerSearch().layer_epochs(400), LayerSearch(n_layers=2).layer_epochs(100)
        ((100, 100, 200), (50, 50))
        """
        n = self.n_layers
        if self.epochs is None:
            before = np.arange(n) * (max_epochs // 2) // max(n - 1, 1)
            shares = [int(b - a) for a, b in pairwise(before)] if n > 1 else []
            return tuple(max(share, 1) for share in [*shares, max_epochs - sum(shares)])
        given: tuple[Any, ...] = tuple(self.epochs)
        if len(given) != n or not all(isinstance(e, Integral) and int(e) >= 1 for e in given):
            raise ValueError(
                f"LayerSearch(epochs=...) must hold one integer of at least 1 for each of the {n} "
                f"layers, got {self.epochs!r}."
            )
        return tuple(int(e) for e in given)

    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        networks: list[LayerStack] = []
        trace: list[Candidate] = []
        epochs = self.layer_epochs(problem.max_epochs)
        for layer in range(1, self.n_layers + 1):
            task = problem.task.start(
                f"layer {layer}", n_subtasks=len(problem.dictionary), parallel=True
            )
            try:
                network, candidates = self._layer(problem, trainer, networks, epochs, trace, task)
            except DivergenceError:
                task.finish()
                raise
            networks.append(network)
            trace.extend(candidates)
            if problem.verbose:
                chosen = next(c for c in candidates if c.chosen)
                logger.info("layer %d: %s, loss %.3e", layer, chosen.atom, chosen.loss)
            if task.finish(network):
                break
        return SearchResult(tuple(networks), tuple(trace))

    def _layer(
        self,
        problem: SearchProblem,
        trainer: Trainer,
        networks: Sequence[LayerStack],
        epochs: Sequence[int],
        trace: Sequence[Candidate],
        task: Task,
    ) -> tuple[LayerStack, list[Candidate]]:
        """Try every atom on top of the networks before; return the winner and the trace."""
        layer = len(networks) + 1
        seed = derive_seed(problem.seed, "layer", layer)
        before = networks[-1].sequence if networks else ()
        path = sum(c.epochs for c in trace if c.chosen)
        on = self._judged_on(problem, trainer)
        atoms = list(problem.dictionary)
        # A network's cost grows with its layers; what is left of the time is shared accordingly.
        costs = [(i + 1) * e for i, e in enumerate(epochs)]
        left = problem.seconds_left
        seconds = None if left is None else left * costs[layer - 1] / sum(costs[layer - 1 :])

        def plan(atom: Atom) -> Plan:
            stream = numpy_stream(seed, "parameters", atom.name)
            new = problem.initialise(atom, first=layer == 1, stream=stream)
            kept = (copy.deepcopy(a) for a in before)
            return Plan(atom.name, (*kept, new), seed, 0 if self.train_earlier else layer - 1)

        runs = train_side_by_side(
            problem,
            trainer,
            [plan(atom) for atom in atoms],
            epochs=epochs[layer - 1],
            seconds=seconds,
            task=task,
        )
        candidates: list[Candidate] = []
        tried: list[LayerStack] = []
        for atom, (network, training) in zip(atoms, runs, strict=False):
            state = training.kept if self.compare == "best" else training.last
            loss = float("nan") if training.diverged else state.loss(on)
            candidates.append(
                Candidate(
                    layer=layer,
                    atom=atom.name,
                    seed=seed,
                    effective_epochs=path + len(training.curve),
                    training=training,
                    loss=loss,
                    chosen=False,
                )
            )
            tried.append(network)
            if problem.verbose > 1:
                logger.info(
                    "layer %d, %s: loss %.3e in %.1f s, %s",
                    layer, atom.name, loss, training.seconds, training.outcome,
                )  # fmt: skip
        winner = _least(candidates, trainer)
        candidates[winner] = replace(candidates[winner], chosen=True)
        return tried[winner], candidates

    def _judged_on(self, problem: SearchProblem, trainer: Trainer) -> Literal["train", "held_out"]:
        if self.selection == "auto":
            return "held_out" if trainer.early_stopping else "train"
        return "held_out" if self.selection == "held_out" else "train"


def _least(candidates: Sequence[Candidate], trainer: Trainer) -> int:
    """Index of the candidate of least loss, the first of equals."""
    losses = np.array([candidate.loss for candidate in candidates])
    if np.isnan(losses).all():
        reasons = "; ".join(f"{c.atom}: {c.training.outcome}" for c in candidates)
        raise DivergenceError(
            f"Every candidate of layer {candidates[0].layer} diverged ({reasons}). Lower the "
            f"trainer's learning_rate (now {trainer.learning_rate:g}) or the scales that the "
            "dictionary's init starts from."
        )
    return int(np.nanargmin(losses))
