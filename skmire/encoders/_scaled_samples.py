"""Samples on their way from the user's units to a training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import is_classifier
from torch import Tensor

from skmire._memory import require
from skmire._random import torch_stream
from skmire.encoders._checks import Array, columns
from skmire.encoders._device import fitting_device
from skmire.measurements import Readout
from skmire.training import Samples

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def scaled_samples(
    encoder: Any,
    coords: Array,
    values: Array,
    weights: Array | None,
    readout: Readout,
    groups: NDArray[np.int64] | None,
    *,
    held_out: float | None,
    seed: int,
) -> tuple[Samples, Samples | None]:
    """Scale the samples and, if a fraction of them is to be held out, split them.

    They are of the encoder's `dtype`, on its `device`; but what a measurement reads is left in the
    user's units, and double precision.
    """
    dtype, device = DTYPES[encoder.dtype], fitting_device(encoder.device)
    require(
        (coords.size + values.size) * (8 + 2 * torch.finfo(dtype).bits // 8),  # scaled, and held
        f"Fitting {len(coords):,} samples",
        "Fit on some of them, or on one batch after another with partial_fit.",
    )

    def tensor(array: Array) -> Tensor:
        return torch.tensor(array, dtype=dtype, device=device)

    plain = readout.is_plain
    samples = Samples(
        tensor(readout.coordinates.scale(coords)) if plain else torch.tensor(coords, device=device),
        tensor(readout.targets.scale(columns(values))),
        None if weights is None else tensor(weights[:, None]),
        None if plain else readout,
        None if groups is None else torch.tensor(groups),
        float(readout.targets.scale(np.zeros(1))[0]) if is_classifier(encoder) else None,
    )
    if held_out is None:
        return samples, None
    return samples.split(held_out, torch_stream(seed, "held out"))
