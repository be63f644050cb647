"""Names that a user may have misspelt."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of an error's sentence: the known names next to `name`, or all of them."""
    names = tuple(known)
    close = get_close_matches(name, names)
    listed = ", ".join(map(repr, close or names))
    return f"Did you mean {listed}?" if close else f"Known: {listed}."
