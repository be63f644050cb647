"""The greedy look-ahead with several beginnings kept."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from skmire.search._base import SearchProblem
from skmire.search._contest_search import ContestSearch
from skmire.search._judge import Selection, judge_of
from skmire.search._lookahead import look_ahead
from skmire.search._result import SearchResult
from skmire.training import Trainer


class BeamSearch(ContestSearch):
    """Look ahead as `LayerSearch` does, from several of the best beginnings at once.

    A sequence whose first layers are only third best can be the best of all in the end. It costs
    about `width` times the rounds of the later layers.

    Parameters
    ----------
    n_layers : int or "auto", default=3
        Hidden layers, at least 1; ``"auto"`` as in `LayerSearch`.
    width : int, default=3
        Beginnings kept from layer to layer, at least 1; with 1 it is `LayerSearch`.
    selection : {"auto", "both", "held_out", "train"}, default="auto"
        Samples whose loss decides, as in `LayerSearch`.
    max_layers : int, default=6
        Most hidden layers that ``"auto"`` comes to, at least 1.

    See Also
    --------
    LayerSearch : With one beginning.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import BeamSearch, MIREncoder
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> search = BeamSearch(n_layers=2, width=2)
    >>> encoder = MIREncoder(["gabor", "sinusoid"], search, hidden_width=32, max_epochs=6)
    >>> len(encoder.fit(x, np.cos(20 * x[:, 0])).activations_)
    2
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ContestSearch._parameter_constraints,
        "width": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_layers: int | str = 3,
        width: int = 3,
        *,
        selection: Selection = "auto",
        max_layers: int = 6,
    ) -> None:
        self.n_layers = n_layers
        self.width = width
        self.selection = selection
        self.max_layers = max_layers

    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        return look_ahead(
            problem,
            trainer,
            n_layers=self.n_layers,
            max_layers=self.max_layers,
            width=self.width,
            judge=judge_of(self.selection, problem),
        )
