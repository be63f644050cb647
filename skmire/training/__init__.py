"""Training: one network under one budget."""

from skmire.training._losses import LOSSES
from skmire.training._samples import Samples
from skmire.training._trainer import Evaluation, Trainer, Training

__all__ = ["LOSSES", "Evaluation", "Samples", "Trainer", "Training"]
