"""What searches have in common that judge sequences of full depth."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar

from skmire.search._base import BaseLayerSearch
from skmire.search._depth import CONSTRAINTS, most_layers
from skmire.search._judge import SELECTIONS, Selection


class ContestSearch(BaseLayerSearch, ABC):
    """Search that judges whole sequences by samples held out, trained on, or both."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "selection": [SELECTIONS],
    }

    n_layers: int | str
    max_layers: int
    selection: Selection

    @property
    def depth(self) -> int:
        return most_layers(self.n_layers, self.max_layers)
