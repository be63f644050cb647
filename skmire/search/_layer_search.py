"""The greedy search: the atom of one layer decided after another."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from skmire._callbacks import Task
from skmire._logging import logger
from skmire._random import derive_seed, numpy_stream
from skmire.atoms import Atom
from skmire.networks import LayeredField
from skmire.search._base import BaseLayerSearch, DivergenceError, SearchProblem
from skmire.search._depth import CONSTRAINTS, most_layers
from skmire.search._judge import SELECTIONS, Selection, judge_of
from skmire.search._lookahead import look_ahead
from skmire.search._result import Candidate, SearchResult
from skmire.search._side_by_side import Plan, train_side_by_side
from skmire.training import Judge, Trainer


class LayerSearch(BaseLayerSearch):
    """Greedy search: the atom of one layer after another, every atom tried, the best one kept.

    In the mode ``"lookahead"`` every network tried has full depth: a candidate stands in the layer
    to be decided and in all after it, so that depth is judged at depth. The best atoms are also
    tried at other scales, and the best at other rates of the steps between hidden layers. These
    networks train for a part of the epochs. The best sequence, the best of other atoms, the best
    single atom, and the best sequence at half its first scale and at half its rate then train in
    full, the best of these once more with all axes alike, and with fewer epochs where all are too
    many. The best of all is the fit, on all samples.

    The mode ``"growth"`` is the paper's. At layer i every atom is tried in a fresh network of i
    hidden layers, weights from scratch: layers 1 to i - 1 have the atoms chosen before, with the
    parameters found so far, and layer i has the candidate. The winner of the last layer is the fit.
    It may be worse than a single atom in all layers, as an atom that leads at depth 1 need not lead
    at depth 3.

    All candidates of a round share one seed of weights and batches, so that they differ in the
    atoms alone. A candidate that diverges is recorded and passed over.

    Parameters
    ----------
    n_layers : int or "auto", default=3
        Hidden layers, at least 1. ``"auto"``, for the look-ahead, first tries single atoms in one
        layer, in two and so on, while a layer more takes a tenth off the loss, beyond three layers
        three tenths; the sequences that are then tried have as many.
    mode : {"lookahead", "growth"}, default="lookahead"
        How the layers not yet decided are treated: filled, or left out.
    selection : {"auto", "both", "held_out", "train"}, default="auto"
        Samples whose loss decides. ``"held_out"`` asks for the function where there are none: in
        the look-ahead, a fifth of them is set aside until the sequence is found, and the fit is
        trained on all. ``"train"`` asks for the samples alone, and prefers scales that memorise
        them. ``"both"`` is 0.8 times the one loss plus 0.2 times the other, for what lies
        nearer to the samples than those held out do to the rest. ``"auto"`` is both in the
        look-ahead if the samples fill an even grid, as all else then lies between neighbours, and
        otherwise, or with `groups` or a measurement, those held out. In the growth it is those held
        out if the trainer stops early, and those trained on if not (the paper leaves it open).
    epochs : tuple of int, default=None
        Of each candidate, layer by layer, in the growth; the paper's are (100, 100, 200). ``None``
        shares out the encoder's `max_epochs` over the layers: half to the last one, the rest alike
        to those before. Every layer gets at least one, though `max_epochs` be too few for that.
    compare : {"best", "last"}, default="best"
        In the growth, the loss of the best state or of the state after the last epoch. The paper
        leaves it open.
    train_earlier : bool, default=True
        In the growth, whether the atoms of earlier layers go on training their parameters, from
        those found so far. The paper leaves it open.
    max_layers : int, default=6
        Most hidden layers that ``"auto"`` comes to, at least 1.

    See Also
    --------
    FixedSequence : No search.

    References
    ----------
    MIRE: Matched Implicit Neural Representations, CVPR 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import LayerSearch, MIREncoder
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> y = np.cos(20 * x[:, 0])
    >>> encoder = MIREncoder(["gabor", "sinusoid"], hidden_width=32, random_state=0)
    >>> encoder.fit(x, y).search_results_["stage"].tolist()
    ['layer 1', 'layer 1', 'scales', ...'finalists', 'finalists', ...'fit']

    One layer after another as long as that helps, four at most:

    >>> deeper = LayerSearch("auto", max_layers=4)
    >>> found = encoder.set_params(search=deeper, max_epochs=30).fit(x, y).search_results_
    >>> found["stage"].tolist()[:4]
    ['depth 1', 'depth 1', 'depth 2', 'depth 2']

    As the paper has it:

    >>> growth = LayerSearch(n_layers=2, mode="growth", epochs=(5, 10))
    >>> encoder.set_params(search=growth).fit(x, y).search_results_["layer"].tolist()
    [1, 1, 2, 2]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "mode": [StrOptions({"lookahead", "growth"})],
        "selection": [SELECTIONS],
        "epochs": [None, tuple, list],
        "compare": [StrOptions({"best", "last"})],
        "train_earlier": ["boolean"],
    }

    def __init__(
        self,
        n_layers: int | str = 3,
        *,
        mode: str = "lookahead",
        selection: Selection = "auto",
        epochs: Sequence[int] | None = None,
        compare: str = "best",
        train_earlier: bool = True,
        max_layers: int = 6,
    ) -> None:
        self.n_layers = n_layers
        self.mode = mode
        self.selection = selection
        self.epochs = epochs
        self.compare = compare
        self.train_earlier = train_earlier
        self.max_layers = max_layers

    @property
    def depth(self) -> int:
        return most_layers(self.n_layers, self.max_layers)

    def wants_held_out(self, trainer: Trainer) -> bool:
        held_out = self.mode == "growth" and self.selection in ("held_out", "both")
        return held_out or trainer.early_stopping

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
            If `epochs` was given and does not hold one positive integer a layer, or `n_layers` is
            ``"auto"``.

        Examples
        --------
        >>> from skmire import LayerSearch
        >>> LayerSearch().layer_epochs(400), LayerSearch(n_layers=2).layer_epochs(100)
        ((100, 100, 200), (50, 50))
        """
        n = self.n_layers
        if isinstance(n, str):
            raise ValueError(
                f"LayerSearch(n_layers={n!r}) is for mode='lookahead': epochs can be shared out "
                "over a number of layers only. Give n_layers a number."
            )
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
        if self.mode == "growth":
            return self._grow(problem, trainer)
        if self.epochs is not None:
            raise ValueError(
                f"LayerSearch(epochs={self.epochs!r}) is for mode='growth'; in the look-ahead "
                "networks train for the encoder's max_epochs, or a share of it."
            )
        return look_ahead(
            problem,
            trainer,
            n_layers=self.n_layers,
            max_layers=self.max_layers,
            width=1,
            judge=judge_of(self.selection, problem),
        )

    def _grow(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        networks: list[LayeredField] = []
        trace: list[Candidate] = []
        epochs = self.layer_epochs(problem.max_epochs)
        for layer in range(1, len(epochs) + 1):
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
        networks: Sequence[LayeredField],
        epochs: Sequence[int],
        trace: Sequence[Candidate],
        task: Task,
    ) -> tuple[LayeredField, list[Candidate]]:
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
            new = problem.initialise(atom, before=before, stream=stream)
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
        tried: list[LayeredField] = []
        for (network, training), atom in zip(runs, atoms, strict=False):
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
                    stage=f"layer {layer}",
                    scales=tuple(a.stretch for a in network.sequence),
                    n_samples=len(problem.samples),
                    hidden_width=problem.hidden_width,
                    planned=epochs[layer - 1],
                    judge=on,
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

    def _judged_on(self, problem: SearchProblem, trainer: Trainer) -> Judge:
        if self.selection == "auto":
            return "held_out" if trainer.early_stopping else "train"
        return self.selection


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
