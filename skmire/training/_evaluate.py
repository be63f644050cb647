"""What a state of a network is worth: its losses on samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from skmire.measurements import sweep_through
from skmire.metrics import iou
from skmire.networks import Field
from skmire.training._losses import LOSSES
from skmire.training._record import Array, Evaluation
from skmire.training._samples import Samples

_MOST = 131_072  # samples that a loss is told by where time is short


def to_evaluate(
    samples: Samples, held_out: Samples | None, seconds: float | None
) -> tuple[Samples, Samples | None]:
    """Return the samples that losses are told by: of a training with a time limit, some of them."""
    if seconds is None:
        return samples, held_out
    return samples.some(_MOST), None if held_out is None else held_out.some(_MOST)


def evaluation(
    field: Field, samples: Samples, held_out: Samples | None, *, loss: str
) -> Evaluation:
    """Return the losses of `field`, and of labels the intersection over union."""
    train, overlap = _with_iou(field, samples, loss)
    if held_out is None:
        return Evaluation(train, iou=overlap)
    return Evaluation(train, *_with_iou(field, held_out, loss))


def losses(
    field: Field, samples: Samples, *, loss: str, see: Callable[[Tensor], object] = lambda _: None
) -> Array:
    """Return the weighted mean losses, output by output; `see` is shown values block by block."""
    value, sweep = LOSSES[loss].value, sweep_through(field, samples.readout)
    total = torch.zeros(samples.targets.shape[1], dtype=torch.float64)
    for block in samples.blocks():
        values = sweep.values(block.inputs)
        see(values)
        total += block.weigh(value(values, block.targets)).sum(0).double().cpu()
    return np.asarray((total / len(samples)).numpy())


def _with_iou(field: Field, samples: Samples, loss: str) -> tuple[Array, float | None]:
    level = samples.level
    if level is None:
        return losses(field, samples, loss=loss), None
    found: list[Tensor] = []
    means = losses(field, samples, loss=loss, see=lambda values: found.append(values[:, 0] > level))
    inside = samples.targets[:, 0] > level, torch.cat(found)
    truth, answer = (part.cpu().numpy() for part in inside)
    if not (truth | answer).any():
        return means, np.nan
    weights = None if samples.weights is None else samples.weights[:, 0].cpu().numpy()
    return means, iou(truth, answer, sample_weight=weights)
