"""Derivatives of products: what the jets of atoms without a kernel are made of.

The jet of a function is a list: its values, its first derivative, its second, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import torch
from torch import Tensor

from skmire.atoms._base import Spare


def sine_jet(angle: Tensor, rate: float, spare: Spare) -> list[Tensor]:
    """Return sin(angle) and two derivatives by t, where `angle` grows with t at `rate`."""
    sine = torch.sin(angle, out=spare())
    slope = torch.cos(angle, out=spare()).mul_(rate)
    return [sine, slope, torch.mul(sine, -(rate**2), out=spare())]


def product_jet(first: Sequence[Tensor], second: Sequence[Tensor], spare: Spare) -> list[Tensor]:
    """Return the jet of a product from those of its factors, by Leibniz's rule."""
    jet = []
    for k in range(len(first)):
        jet.append(torch.mul(first[0], second[k], out=spare()))
        for i in range(1, k + 1):
            jet[k].addcmul_(first[i], second[k - i], value=comb(k, i))
    return jet
