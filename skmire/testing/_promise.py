"""What the checks of a kit have in common: a rule, what was seen instead, and the cure."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from skmire.search import single_thread

T = TypeVar("T")
P = ParamSpec("P")
Look = Callable[Concatenate[T, P], None]


class BrokenPromise(Exception):
    """What a check saw that its rule forbids."""


def expect(held: bool, seen: str) -> None:
    """Raise what was `seen` unless a condition `held`."""
    if not held:
        raise BrokenPromise(seen)


def promise(rule: str, cure: str) -> Callable[[Look[T, P]], Look[T, P]]:
    """Make a check of a function: it fails with `rule`, what was seen, and `cure`.

    Whatever else the function raises counts as seen too, as what is checked may raise anything.
    """

    def decorate(look: Look[T, P]) -> Look[T, P]:
        @wraps(look)
        def check(thing: T, /, *args: P.args, **kwargs: P.kwargs) -> None:
            try:
                with single_thread():  # networks this small are slowest on many threads
                    look(thing, *args, **kwargs)
            except BrokenPromise as broken:
                raise AssertionError(_sentence(thing, str(broken))) from None
            except Exception as error:
                seen = f"it raised {type(error).__name__}: {error}"
                raise AssertionError(_sentence(thing, seen)) from error

        return check

    def _sentence(thing: T, seen: str) -> str:
        return f"{rule} But of {type(thing).__name__}: {seen.rstrip('.')}. {cure}"

    return decorate
