"""Modes of torch that the caller may be in, and that fits and queries are not to follow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

_CPU = torch.device("cpu")


@contextmanager
def ambience_off() -> Iterator[None]:
    """Compute as without inference mode, autocast or another default device, in this thread."""
    with ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                modes.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device() != _CPU:  # else every call of torch would cost more
            modes.enter_context(_CPU)
        yield
