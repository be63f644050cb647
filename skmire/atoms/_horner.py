"""Horner's scheme."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def horner(t: Tensor, powers: Sequence[float], out: Tensor) -> Tensor:
    """Write a polynomial at `t` to `out`; its two or more coefficients are given lowest first."""
    torch.mul(t, powers[-1], out=out).add_(powers[-2])
    for power in powers[-3::-1]:
        torch.addcmul(t.new_tensor(power), out, t, out=out)  # one pass, where mul_ and add_ are two
    return out
