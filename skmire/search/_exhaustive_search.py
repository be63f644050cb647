"""Every sequence there is: the oracle of small problems."""

from __future__ import annotations

from itertools import product
from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from skmire.search._base import BaseLayerSearch, SearchProblem
from skmire.search._contest import Contest, Effort
from skmire.search._entry import Entry
from skmire.search._judge import SELECTIONS, Selection, judge_of
from skmire.search._result import SearchResult
from skmire.training import Trainer


class ExhaustiveSearch(BaseLayerSearch):
    """Train every sequence of the dictionary's atoms in full, and keep the best.

    What other searches are measured by: with seven atoms and three layers it trains 343 networks.
    Scales start as the dictionary says, and no others are tried.

    Parameters
    ----------
    n_layers : int, default=3
        Hidden layers, at least 1.
    selection : {"auto", "both", "held_out", "train"}, default="auto"
        Samples whose loss decides, as in `LayerSearch`.
    max_sequences : int, default=1000
        A search of more is refused.

    See Also
    --------
    LayerSearch : Nearly as good at a hundredth of the cost.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import ExhaustiveSearch, MIREncoder
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> search = ExhaustiveSearch(n_layers=2)
    >>> encoder = MIREncoder(["gabor", "sinusoid"], search, hidden_width=32, max_epochs=6)
    >>> encoder.fit(x, np.cos(20 * x[:, 0])).search_results_["stage"].tolist()
    ['sequences', 'sequences', 'sequences', 'sequences', 'fit']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "selection": [SELECTIONS],
        "max_sequences": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self, n_layers: int = 3, *, selection: Selection = "auto", max_sequences: int = 1_000
    ) -> None:
        self.n_layers = n_layers
        self.selection = selection
        self.max_sequences = max_sequences

    @property
    def depth(self) -> int:
        return self.n_layers

    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        n = len(problem.dictionary) ** self.n_layers
        if n > self.max_sequences:
            raise ValueError(
                f"ExhaustiveSearch trains every sequence, and {len(problem.dictionary)} atoms in "
                f"{self.n_layers} layers make {n:,}, more than max_sequences="
                f"{self.max_sequences:,}. Take fewer atoms or layers, another search, or raise "
                "max_sequences."
            )
        contest = Contest(problem, trainer, judge_of(self.selection, problem), cost=n)
        sequences = product(problem.dictionary, repeat=self.n_layers)
        entries = [Entry.of(atoms, self.selection) for atoms in sequences]
        return contest.fit(contest.round("sequences", entries, Effort()))
