"""What searches have in common that judge sequences of full depth."""

from __future__ import annotations

from abc import ABC
from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from skmire.search._base import BaseLayerSearch
from skmire.search._contest import Selection


class ContestSearch(BaseLayerSearch, ABC):
    """Search of a fixed depth that judges sequences by the samples held out, or trained on."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "selection": [StrOptions({"held_out", "train"})],
    }

    n_layers: int
    selection: Selection

    @property
    def depth(self) -> int:
        return self.n_layers
