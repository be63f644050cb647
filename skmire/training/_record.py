"""What a training run leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: The samples that a loss is on: trained on, held out, or in part both.
Judge: TypeAlias = Literal["train", "held_out", "both"]

_HELD_OUT = 0.8  # of a loss on both, the share of that on samples held out


@dataclass(frozen=True)
class Evaluation:
    """Losses of one state of a network, output by output, in the scaled targets.

    Parameters
    ----------
    train : ndarray of shape (n_outputs,)
        On the samples trained on; of more than 131,072, under a time limit, on so many of them.
    held_out : ndarray of shape (n_outputs,), default=None
        On the samples held out; ``None`` if there are none.
    iou : float, default=None
        Of targets that are labels, the intersection over union of the second one, on the samples
        held out or, without any, trained on, by the weights of the loss. Not a number where nothing
        is inside, nor found there.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.training import Evaluation
    >>> Evaluation(train=np.array([0.25, 0.75])).loss("held_out")  # there is only one part
    0.5
    """

    train: Array
    held_out: Array | None = None
    iou: float | None = None

    def losses(self, on: Judge) -> Array:
        """Return the losses on one part, or a mean of both, output by output.

        Parameters
        ----------
        on : {"train", "held_out", "both"}
            Which part; without held-out samples, all are `train`. ``"both"`` is 0.8 times that held
            out plus 0.2 times that trained on, for predictions that are asked for nearer to the
            samples than those held out lie to the others. Efron's estimate of the error of a rule
            is such a mean, too, for the same reason, with 0.632 and 0.368 [1]_.

        Returns
        -------
        losses : ndarray of shape (n_outputs,)
            On scaled values.

        References
        ----------
        .. [1] Efron, Estimating the Error Rate of a Prediction Rule: Improvement on
           Cross-Validation, Journal of the American Statistical Association 78, 1983.
        """
        if self.held_out is None or on == "train":
            return self.train
        if on == "held_out":
            return self.held_out
        return _HELD_OUT * self.held_out + (1 - _HELD_OUT) * self.train

    def loss(self, on: Judge) -> float:
        """Return the mean over outputs of `losses`.

        Parameters
        ----------
        on : {"train", "held_out", "both"}
            As in `losses`.

        Returns
        -------
        loss : float
            On scaled values.
        """
        return float(self.losses(on).mean())


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
        How often the loss rose so far, or for so long, that training went back to a state from
        before its best stretch, and on with a smaller step size.
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

    def after(self, earlier: Training) -> Training:
        """Return this training as one with that which it went on from.

        Parameters
        ----------
        earlier : Training
            Its last state is where this one began.

        Returns
        -------
        training : Training
            With the epochs and the time of both, and the states and the outcome of this one.
        """
        return replace(
            self,
            curve=np.concatenate([earlier.curve, self.curve]),
            seconds=earlier.seconds + self.seconds,
            n_returns=earlier.n_returns + self.n_returns,
        )

    def loss(self, on: Judge) -> float:
        """Return what the kept state is compared by.

        Parameters
        ----------
        on : {"train", "held_out", "both"}
            As in `Evaluation.losses`.

        Returns
        -------
        loss : float
            The mean over outputs; not a number if the training diverged.
        """
        return np.nan if self.diverged else self.kept.loss(on)
