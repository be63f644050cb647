"""The searches: which atom goes where."""

from skmire._threads import single_thread, threads_restored
from skmire.search._base import (
    BaseLayerSearch,
    DivergenceError,
    SearchProblem,
    train_candidate,
)
from skmire.search._bayes_search import BayesSearch
from skmire.search._beam_search import BeamSearch
from skmire.search._ensemble_search import EnsembleSearch
from skmire.search._exhaustive_search import ExhaustiveSearch
from skmire.search._fixed_sequence import FixedSequence
from skmire.search._halving_search import HalvingSearch
from skmire.search._layer_search import LayerSearch
from skmire.search._projection_search import ProjectionSearch
from skmire.search._result import Candidate, SearchResult

__all__ = [
    "BaseLayerSearch",
    "BayesSearch",
    "BeamSearch",
    "Candidate",
    "DivergenceError",
    "EnsembleSearch",
    "ExhaustiveSearch",
    "FixedSequence",
    "HalvingSearch",
    "LayerSearch",
    "ProjectionSearch",
    "SearchProblem",
    "SearchResult",
    "single_thread",
    "threads_restored",
    "train_candidate",
]
