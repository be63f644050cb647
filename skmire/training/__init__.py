"""Training: one network under one budget."""

from skmire.training._losses import LOSSES
from skmire.training._record import Evaluation, Training
from skmire.training._record import Judge as Judge
from skmire.training._samples import Samples
from skmire.training._trainer import Trainer

__all__ = ["LOSSES", "Evaluation", "Samples", "Trainer", "Training"]
