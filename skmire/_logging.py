"""The library's logger, and how ``verbose`` makes it heard."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger("skmire")


@contextmanager
def audible(verbose: int) -> Iterator[None]:
    """Let the logger's messages through while the block runs, if `verbose` asks for them.

    They go to the handlers that the user configured, to standard error if there are none.
    """
    if not verbose:
        yield
        return
    level, handler = logger.level, None
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("[skmire] %(message)s"))
        logger.addHandler(handler)
    if level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        if handler is not None:
            logger.removeHandler(handler)


def counted(number: int, thing: str) -> str:
    """Return a number of things in words, as in "1 network" and "2 networks"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
