"""Conformance kits: hold what you write to what skmire's own atoms, searches and so on promise."""

from skmire.testing._atom_kit import atom_checks, check_atom
from skmire.testing._measurement_kit import check_measurement, measurement_checks
from skmire.testing._search_kit import check_search, search_checks

__all__ = [
    "atom_checks",
    "check_atom",
    "check_measurement",
    "check_search",
    "measurement_checks",
    "search_checks",
]
