"""Compiled kernels, where the extra ``fast`` is installed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

#: Set to "0", it leaves the kernels aside.
SWITCH = "SKMIRE_ACCELERATE"


def kernel(name: str, t: Tensor) -> Callable[..., None] | None:
    """Return the compiled kernel `name` if there is one for a tensor such as `t`.

    It takes tensors of one shape, and numbers.
    """
    if t.dtype is not torch.float32 or not t.is_cpu or not t.is_contiguous():
        return None
    kernels = _kernels() if os.environ.get(SWITCH) != "0" else None
    if kernels is None:
        return None
    compiled = getattr(kernels, name)

    def run(*arguments: Any, **more: Any) -> None:
        compiled(*map(_plain, arguments), **{name: _plain(given) for name, given in more.items()})

    return run


def jet_kernel(name: str, t: Tensor, out: Sequence[Tensor]) -> Callable[..., None] | None:
    """Return the kernel `name` to write a `jet` with, if there is one that reaches as far.

    It takes the arguments before the values.
    """
    if len(out) > 3 or (compiled := kernel(name, t)) is None:
        return None
    values, slope, curvature = (*out, None, None)[:3]
    return lambda *arguments: compiled(*arguments, values, slope, curvature=curvature)


def _plain(argument: Any) -> Any:
    if isinstance(argument, Tensor):  # of NumPy's and torch's calls those that take least
        return argument.numpy().reshape(-1) if argument.ndim else np.float32(argument.item())
    return np.float32(argument) if isinstance(argument, float) else argument


@cache
def _kernels() -> ModuleType | None:
    if find_spec("numba") is None:
        return None
    try:
        return import_module("skmire.atoms._kernels")
    except (ImportError, OSError, RuntimeError) as error:  # the last where it can keep no cache
        warnings.warn(
            f"numba is installed but cannot be loaded, so training goes on without it, more "
            f"slowly: {error}",
            stacklevel=2,
        )
        return None
