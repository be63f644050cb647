"""The look-ahead from several beginnings at once."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from skmire.search._base import BaseLayerSearch, SearchProblem
from skmire.search._contest import judged_by
from skmire.search._lookahead import beam_search
from skmire.search._result import SearchResult
from skmire.training import Trainer


class BeamSearch(BaseLayerSearch):
    """Look ahead as `LayerSearch` does, but from several of the best beginnings at once.

    A sequence whose first atoms do not lead may lead in the end. The rounds after the first two
    cost up to `width` times as much.

    Parameters
    ----------
    n_layers : int, default=3
        Hidden layers, at least 1.
    width : int, default=3
        How many of the best beginnings go on into the next layer, at least 1; with 1, the search
        is `LayerSearch`.
    selection : {"auto", "train", "held_out"}, default="auto"
        Samples whose loss decides: as for `LayerSearch`, ``"auto"`` means held-out ones.

    See Also
    --------
    LayerSearch : The same from one beginning.

    References
    ----------
    B. T. Lowerre, The HARPY Speech Recognition System, 1976, for beam search.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import BeamSearch, MIREncoder
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> search = BeamSearch(n_layers=2, width=2)
    >>> encoder = MIREncoder(
    ...     ["gabor", "sinc"], search, hidden_width=16, max_epochs=6, random_state=0
    ... )
    >>> stages = encoder.fit(x, np.cos(20 * x[:, 0])).search_results_["stage"].tolist()
    >>> stages.count("layer 2")  # gabor-sinc and sinc-gabor; the other two are in layer 1
    2
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "width": [Interval(Integral, 1, None, closed="left")],
        "selection": [StrOptions({"auto", "train", "held_out"})],
    }

    def __init__(self, n_layers: int = 3, width: int = 3, *, selection: str = "auto") -> None:
        self.n_layers = n_layers
        self.width = width
        self.selection = selection

    @property
    def depth(self) -> int:
        return self.n_layers

    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        return beam_search(
            problem,
            trainer,
            n_layers=self.n_layers,
            width=self.width,
            selection=judged_by(self.selection),
        )
