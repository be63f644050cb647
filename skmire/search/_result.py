"""What a search leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmire.networks import LayeredField
from skmire.training import Judge, Samples, Trainer, Training

#: The stage of those that stand beside the fit, in the mean of several networks.
MEMBERS = "members"

#: The stage of batches that `partial_fit` passed over, one row as long as they follow each other.
BATCHES = "partial_fit"


@dataclass(frozen=True)
class Candidate:
    """One trained candidate, a row of the trace.

    Parameters
    ----------
    layer : int
        How many layers its network has; the search decides the last of them.
    atom : str
        Name of the atom tried there; of the whole sequence, joined by hyphens, where a search
        tries sequences.
    seed : int
        Seed of its weights, parameters and batches.
    effective_epochs : int
        Epochs along the path that leads to it, its own included.
    training : Training
        Losses, curves, seconds and outcome of its training.
    loss : float
        What it was compared by; not a number if it diverged.
    chosen : bool
        Whether it won its stage.
    stage : str, default=""
        The round of the search that it was trained in, if that has a name.
    scales : tuple of float, default=()
        By how much its atoms stretched their inputs at the start, layer by layer, if told.
    n_samples, hidden_width : int, default=0
        Of the problem that it was trained on, which may be a smaller copy; 0 if not told.
    factors : tuple of float, default=()
        By how much the scales of the first layer and of hidden ones differ from what the
        dictionary says, and the atoms' rates from what they are, if told.
    stretch : tuple of float, default=()
        By how much its first weights started larger along each axis than overall, if told.
    planned : int, default=0
        Epochs that it was to have; 0 if not told.
    judge : {"held_out", "train", "both"}, default="held_out"
        The samples that `loss` is on, as in `Evaluation.losses`: where none were held out, those
        trained on.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import LayerSearch, MIREncoder
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> growth = LayerSearch(n_layers=2, mode="growth")
    >>> encoder = MIREncoder(["sinc", "gaussian"], growth, max_epochs=8)
    >>> last = encoder.fit(x, np.sin(9 * x[:, 0])).search_result_.trace[-1]
    >>> last.layer, last.atom, last.epochs, last.effective_epochs
    (2, 'gaussian', 4, 8)
    """

    layer: int
    atom: str
    seed: int
    effective_epochs: int
    training: Training
    loss: float
    chosen: bool
    stage: str = ""
    scales: tuple[float, ...] = ()
    n_samples: int = 0
    hidden_width: int = 0
    factors: tuple[float, ...] = ()
    stretch: tuple[float, ...] = ()
    planned: int = 0
    judge: Judge = "held_out"

    @property
    def epochs(self) -> int:
        """Epochs it was trained for."""
        return len(self.training.curve)


@dataclass(frozen=True)
class SearchResult:
    """The sequence found, its networks and how it was found.

    Parameters
    ----------
    networks : tuple of LayeredField
        The network of the fit; of every stage, in a growth, the last of which is the fit.
    trace : tuple of Candidate
        Every candidate, in the order in which the search took them up.
    members : tuple of SearchResult, default=()
        Of a fit that is the mean of several networks, what there is to say of each alone.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import LayerSearch, MIREncoder
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> growth = LayerSearch(n_layers=2, mode="growth")
    >>> encoder = MIREncoder(["sinc", "gaussian"], growth, max_epochs=8)
    >>> result = encoder.fit(x, np.sin(9 * x[:, 0])).search_result_
    >>> len(result.sequence), len(result.networks), len(result.trace)
    (2, 2, 4)
    """

    networks: tuple[LayeredField, ...]
    trace: tuple[Candidate, ...]
    members: tuple[SearchResult, ...] = ()

    @property
    def network(self) -> LayeredField:
        """The fitted network."""
        return self.networks[-1]

    @property
    def sequence(self) -> tuple[str, ...]:
        """Names of its atoms, first layer first."""
        return tuple(atom.name for atom in self.network.sequence)

    @property
    def path(self) -> tuple[Candidate, ...]:
        """The chosen candidates, first stage first."""
        return tuple(candidate for candidate in self.trace if candidate.chosen)

    @property
    def total_epochs(self) -> int:
        """Epochs of all candidates together."""
        return sum(candidate.epochs for candidate in self.trace)

    @property
    def effective_epochs(self) -> int:
        """Epochs along the path of the chosen."""
        return self.path[-1].effective_epochs

    def further(self, network: LayeredField, candidate: Candidate) -> SearchResult:
        """Return what is left behind once the fit, or the mean it is, was trained further.

        Parameters
        ----------
        network : LayeredField
            Trained further.
        candidate : Candidate
            How that went; its effective epochs follow from those before.

        Returns
        -------
        result : SearchResult
            This one, with the candidate as its last row, and as that of each of its members; of
            batches that follow each other there is one row, or the trace would grow without bound.
        """
        members = zip(self.members, network.each, strict=True) if self.members else ()
        row = replace(candidate, effective_epochs=self.effective_epochs + candidate.epochs)
        last = self.trace[-1]
        follows = last.stage == row.stage == BATCHES
        if follows:
            row = replace(row, training=row.training.after(last.training))
        return SearchResult(
            (*self.networks[:-1], network),
            (*(self.trace[:-1] if follows else self.trace), row),
            tuple(member.further(part, candidate) for member, part in members),
        )

    def finished_by(
        self, trainer: Trainer, samples: Samples, held_out: Samples | None, *, seconds: float | None
    ) -> SearchResult:
        """Return what is left behind once `Trainer.finish` has seen to the fit.

        Parameters
        ----------
        trainer : Trainer
            That of the fit.
        samples, held_out : Samples
            Those it was trained on, and those apart, ``None`` without any.
        seconds : float or None
            The time limit, if there was one.

        Returns
        -------
        result : SearchResult
            This one, with what losses are new; of a mean of networks, each is seen to alone.
        """
        fit = self.path[-1].training
        if not self.members:
            kept = trainer.finish(self.network, samples, held_out, fit.kept, seconds=seconds)
            return self if kept is fit.kept else self._with({id(fit): replace(fit, kept=kept)})
        members = tuple(
            member.finished_by(trainer, samples, held_out, seconds=seconds)
            for member in self.members
        )
        pairs = zip(self.members, members, strict=True)
        new = {id(old.path[-1].training): now.path[-1].training for old, now in pairs}
        return replace(self._with(new), members=members)

    def _with(self, trainings: Mapping[int, Training]) -> SearchResult:
        """Return this with other trainings in place of those of these identities."""

        def renewed(row: Candidate) -> Candidate:
            training = trainings.get(id(row.training), row.training)
            if training is row.training:
                return row
            return replace(row, training=training, loss=training.kept.loss(row.judge))

        return replace(self, trace=tuple(map(renewed, self.trace)))

    def table(self) -> dict[str, NDArray[Any]]:
        """Return the trace as a dict of arrays, one entry a candidate.

        Returns
        -------
        table : dict of str to ndarray of shape (n_candidates,)
            ``stage``, ``layer``, ``atom``, ``scales``, ``factors`` (both as text), ``seed``,
            ``n_samples``, ``hidden_width``, ``epochs``, ``effective_epochs``, ``loss`` (what was
            compared), ``judge`` (the samples that it is on), ``train_loss`` and ``held_out_loss``
            (of the kept state; not a number without held-out samples), ``seconds``, ``outcome``,
            ``chosen``. Of labels also ``iou``, on the samples held out if there are any, by
            the weights of the loss.
        """

        def held_out(training: Training) -> float:
            return np.nan if training.kept.held_out is None else training.kept.loss("held_out")

        columns: dict[str, list[Any]] = {
            "stage": [c.stage for c in self.trace],
            "layer": [c.layer for c in self.trace],
            "atom": [c.atom for c in self.trace],
            "scales": [" ".join(f"{scale:.4g}" for scale in c.scales) for c in self.trace],
            "factors": [" ".join(f"{factor:.4g}" for factor in c.factors) for c in self.trace],
            "seed": [c.seed for c in self.trace],
            "n_samples": [c.n_samples for c in self.trace],
            "hidden_width": [c.hidden_width for c in self.trace],
            "epochs": [c.epochs for c in self.trace],
            "effective_epochs": [c.effective_epochs for c in self.trace],
            "loss": [c.loss for c in self.trace],
            "judge": [c.judge for c in self.trace],
            "train_loss": [c.training.kept.loss("train") for c in self.trace],
            "held_out_loss": [held_out(c.training) for c in self.trace],
            "seconds": [c.training.seconds for c in self.trace],
            "outcome": [c.training.outcome for c in self.trace],
            "chosen": [c.chosen for c in self.trace],
        }
        overlaps = [c.training.kept.iou for c in self.trace]
        if any(overlap is not None for overlap in overlaps):
            columns["iou"] = [np.nan if overlap is None else overlap for overlap in overlaps]
        return {name: np.array(values) for name, values in columns.items()}
