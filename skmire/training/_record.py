"""What a training run leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """Losses of one state of a network, output by output, in the scaled targets.

    Parameters
    ----------
    train : ndarray of shape (n_outputs,)
        On the samples trained on.
    held_out : ndarray of shape (n_outputs,), default=None
        On the samples held out; ``None`` if there are none.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.training import Evaluation
    >>> Evaluation(train=np.array([0.25, 0.75])).loss("held_out")  # there is only one part
    0.5
    """

    train: Array
    held_out: Array | None = None

    def loss(self, on: Literal["train", "held_out"]) -> float:
        """Return the mean over outputs of the losses on one part.

        Parameters
        ----------
        on : {"train", "held_out"}
            Which part; without held-out samples, both are `train`.

        Returns
        -------
        loss : float
            On scaled values.
        """
        losses = self.train if on == "train" or self.held_out is None else self.held_out
        return float(losses.mean())


@dataclass(frozen=True)
class Training:
    """What a training run leaves behind; the network itself holds the kept state.

    Parameters
    ----------
    kept, last : Evaluation
        Of the best state, which the network is left in, and of the state after the last epoch.
    curve : ndarray of shape (n_epochs, n_outputs)
        Loss of each epoch, output by output: the mean over its steps, each before its update, but
        for steps that were undone.
    held_out_curve : ndarray of shape (n_epochs,) or None
        Held-out loss after each epoch.
    seconds : float
        Wall-clock time.
    outcome : str
        ``"completed"``, why it ended early, or ``"diverged ..."``.
    n_returns : int, default=0
        How often the loss rose so far that training went back to its best state, and on with a
        smaller step size.
    cut_short : bool, default=False
        Whether a time limit or a callback ended it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import FixedSequence, MIREncoder
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = MIREncoder(search=FixedSequence("gaussian"), max_epochs=5)
    >>> training = encoder.fit(x, np.cos(20 * x[:, 0])).search_result_.trace[0].training
    >>> training.outcome, training.curve.shape
    ('completed', (5, 1))
    """

    kept: Evaluation
    last: Evaluation
    curve: Array
    held_out_curve: Array | None
    seconds: float
    outcome: str
    n_returns: int = 0
    cut_short: bool = False

    @property
    def diverged(self) -> bool:
        """Whether there is no state with a finite loss to keep."""
        return self.outcome.startswith("diverged")
