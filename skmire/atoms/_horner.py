"""Horner's scheme, with the derivative that comes along."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def horner(t: Tensor, powers: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Return a polynomial and its derivative at `t`; its coefficients are given lowest first."""
    total, derived = torch.full_like(t, powers[-1]), torch.zeros_like(t)
    for power in powers[-2::-1]:
        torch.addcmul(total, derived, t, out=derived)
        total.mul_(t).add_(power)
    return total, derived
