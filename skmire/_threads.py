"""How many threads torch computes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def threads_restored() -> Iterator[None]:
    """Put torch's number of threads back, which workers also change for threads yet to start.

    Yields
    ------
    None
        Once, for the block to run in.

    Examples
    --------
    >>> import torch
    >>> from skmire.search import threads_restored
    >>> before = torch.get_num_threads()
    >>> with threads_restored():
    ...     torch.set_num_threads(before + 1)
    >>> torch.get_num_threads() == before
    True
    """
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def single_thread() -> Iterator[None]:
    """Compute on one thread, so that results depend on nothing beside this one.

    Yields
    ------
    None
        Once, for the block to run in.

    Examples
    --------
    >>> import torch
    >>> from skmire.search import single_thread
    >>> with single_thread():
    ...     torch.get_num_threads()
    1
    """
    # Asking first also makes torch initialise this thread's setting, which would else undo ours.
    with threads_restored():
        torch.set_num_threads(1)
        yield
