"""Every sequence, trained in full."""

from __future__ import annotations

from itertools import product
from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from skmire.search._base import BaseLayerSearch, SearchProblem
from skmire.search._contest import Contest, judged_by
from skmire.search._result import SearchResult
from skmire.training import Trainer


class ExhaustiveSearch(BaseLayerSearch):
    """Train every sequence in full and keep the best: what the other searches are measured by.

    With d atoms there are d**n_layers sequences, all at the scales that the dictionary starts from:
    8 atoms in 3 layers make 512. It is for small problems.

    Parameters
    ----------
    n_layers : int, default=3
        Hidden layers, at least 1.
    selection : {"auto", "train", "held_out"}, default="auto"
        Samples whose loss decides: as for `LayerSearch`, ``"auto"`` means held-out ones.
    max_sequences : int, default=1000
        The most sequences that it may train, at least 1; with more, it refuses.

    See Also
    --------
    HalvingSearch : Many sequences, most of them for a part of the effort.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import ExhaustiveSearch, MIREncoder
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = MIREncoder(
    ...     ["gabor", "sinc"], ExhaustiveSearch(n_layers=2), hidden_width=16, max_epochs=5
    ... )
    >>> table = encoder.fit(x, np.cos(20 * x[:, 0])).search_results_
    >>> table["atom"][table["stage"] == "finalists"].tolist()
    ['gabor-gabor', 'gabor-sinc', 'sinc-gabor', 'sinc-sinc']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "selection": [StrOptions({"auto", "train", "held_out"})],
        "max_sequences": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self, n_layers: int = 3, *, selection: str = "auto", max_sequences: int = 1000
    ) -> None:
        self.n_layers = n_layers
        self.selection = selection
        self.max_sequences = max_sequences

    @property
    def depth(self) -> int:
        return self.n_layers

    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        atoms = list(problem.dictionary)
        n_sequences = len(atoms) ** self.n_layers
        if n_sequences > self.max_sequences:
            raise ValueError(
                f"ExhaustiveSearch(max_sequences={self.max_sequences}) trains every sequence, and "
                f"{len(atoms)} atoms in {self.n_layers} layers make {n_sequences}. Raise "
                "max_sequences, take fewer atoms or layers, or a search that leaves some out, such "
                "as HalvingSearch."
            )
        contest = Contest(problem, trainer, judged_by(self.selection), cost=n_sequences)
        return contest.decide(contest.entry(*s) for s in product(atoms, repeat=self.n_layers))
