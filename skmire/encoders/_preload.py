"""What is imported late, before a clock runs."""

from __future__ import annotations

from functools import cache

import torch

from skmire.atoms._acceleration import kernel


@cache
def preload(dtype: torch.dtype) -> None:
    """Have torch and numba import what they leave until it is used.

    That takes seconds, once in a process, which are not to count against a fit's time limit.

    Parameters
    ----------
    dtype : torch.dtype
        That of the fit.
    """
    x = torch.zeros(1, dtype=dtype)
    torch.optim.Adam([x])
    if compiled := kernel("gaussian", x):
        compiled(x, torch.empty_like(x), None)
