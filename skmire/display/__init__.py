"""Pictures of a search and of its result."""

from skmire.display._reconstruction import ReconstructionDisplay
from skmire.display._search import SearchDisplay

__all__ = ["ReconstructionDisplay", "SearchDisplay"]
