"""Torch modules that pickle as NumPy arrays."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class PlainModule(nn.Module):
    """Module whose pickled state holds NumPy arrays in place of tensors.

    Whatever device it was on, it comes back on the CPU, and joblib, ``copy`` and skops carry it
    as they carry any other Python object.
    """

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        for kind in ("_parameters", "_buffers"):
            state[kind] = {
                name: None if t is None else (t.detach().cpu().numpy().copy(), t.requires_grad)
                for name, t in state[kind].items()
            }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        for kind in ("_parameters", "_buffers"):
            state[kind] = {name: _tensor(kind, held) for name, held in state[kind].items()}
        super().__setstate__(state)  # type: ignore[no-untyped-call]


def _tensor(kind: str, held: tuple[Any, bool] | None) -> torch.Tensor | None:
    if held is None:
        return None
    values, requires_grad = held
    tensor = torch.tensor(values, device="cpu")  # whatever the default is
    return nn.Parameter(tensor, requires_grad) if kind == "_parameters" else tensor
