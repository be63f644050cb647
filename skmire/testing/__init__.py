"""Conformance kits: hold an atom or a search of your own to what skmire's own promise."""

from skmire.testing._atom_kit import atom_checks, check_atom
from skmire.testing._search_kit import check_search, search_checks

__all__ = ["atom_checks", "check_atom", "check_search", "search_checks"]
