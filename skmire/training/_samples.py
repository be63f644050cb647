"""Samples of a signal, as training sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from skmire.measurements import Measurement, Readout

_BLOCK = 1_024
FEW = 5  # groups: with fewer, too much is held out with one, and samples are held out singly


@dataclass(frozen=True)
class Samples:
    """Scaled samples on the device that trains on them.

    Parameters
    ----------
    inputs : Tensor of shape (n_samples, n_columns)
        Coordinates in the unit box; with a `readout`, what that reads, in the user's units.
    targets : Tensor of shape (n_samples, n_outputs)
        Scaled values, each output of mean 0, where it may be shifted, and largest magnitude 1.
    weights : Tensor of shape (n_samples, 1), default=None
        Of mean 1; ``None`` if all are equal.
    readout : Readout, default=None
        How the targets are read off a field; ``None`` if they are its values at the inputs.
    together : Tensor of int of shape (n_samples,), default=None
        On the CPU, equal where samples are to be held out together; ``None`` if nothing was said.
    level : float, default=None
        Of targets that are labels, what lies between the two; ``None`` if they are values.

    Examples
    --------
    >>> import torch
    >>> from skmire.training import Samples
    >>> samples = Samples(torch.zeros(10, 2), torch.zeros(10, 1))
    >>> kept, held_out = samples.split(0.2, torch.Generator().manual_seed(0))
    >>> len(kept), len(held_out)
    (8, 2)
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor | None = None
    readout: Readout | None = None
    together: Tensor | None = None
    level: float | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def n_dims(self) -> int:
        """Number of coordinates of the field."""
        return self.inputs.shape[1] if self.readout is None else self.readout.domain.n_dims

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the field."""
        return self.targets.shape[1] if self.readout is None else self.readout.n_outputs

    @property
    def n_batches(self) -> int:
        """Into how many batches an epoch goes, unless the trainer is told."""
        return (Measurement if self.readout is None else self.readout.measurement).n_batches

    def take(self, rows: Tensor | slice) -> Samples:
        """Return the samples of these `rows`, their weights as they are.

        Parameters
        ----------
        rows : Tensor or slice
            Indices of the samples.

        Returns
        -------
        samples : Samples
            In the order of `rows`; of all of them these.
        """
        if isinstance(rows, slice) and rows.indices(len(self)) == (0, len(self), 1):
            return self
        weights = None if self.weights is None else self.weights[rows]
        together = self.together
        if together is not None:
            together = together[rows if isinstance(rows, slice) else rows.cpu()]
        return replace(
            self,
            inputs=self.inputs[rows],
            targets=self.targets[rows],
            weights=weights,
            together=together,
        )

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples in order, as many at a time as are evaluated together.

        Yields
        ------
        block : Samples
            Few enough to stay in the cache; on an accelerator more, as each call costs.
        """
        size = _BLOCK if self.inputs.is_cpu else 64 * _BLOCK
        for start in range(0, len(self), size):
            yield self.take(slice(start, start + size))

    def some(self, n_most: int) -> Samples:
        """Return at most so many of the samples, the same at every call.

        Parameters
        ----------
        n_most : int
            Above, they are drawn at random.

        Returns
        -------
        samples : Samples
            These, if there are no more or those drawn have no weight. Weights have mean 1.
        """
        if len(self) <= n_most:
            return self
        # Not evenly spaced, which may be the length of a grid's row.
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(0))
        part = self.take(order[:n_most].to(self.inputs.device))
        if part.weights is not None and not part.weights.sum() > 0:
            return self
        return part.normalised()

    def weigh(self, losses: Tensor) -> Tensor:
        """Return losses of these samples times their weights.

        Parameters
        ----------
        losses : Tensor of shape (n_samples, n_outputs)
            Sample by sample.

        Returns
        -------
        losses : Tensor of shape (n_samples, n_outputs)
            The same tensor, if there are no weights.
        """
        return losses if self.weights is None else losses * self.weights

    def split(
        self, fraction: float, generator: torch.Generator, *, by: Tensor | None = None
    ) -> tuple[Samples, Samples]:
        """Return the samples in two parts at random, at least one sample in each.

        Groups stay together, which are the samples of a place if nothing else was said: a sample
        held out is not to be known from its double. Nor does their order matter, so that weights
        are as good as repeated samples.

        Parameters
        ----------
        fraction : float in (0, 1)
            Share of the groups in the second part.
        generator : torch.Generator
            On the CPU.
        by : Tensor of int of shape (n_samples,), default=None
            Number of each sample's group, from 0; ``None`` is by `groups`.

        Returns
        -------
        kept, held_out : Samples
            Weights have mean 1 in each part.
        """
        place = self.groups if by is None else by
        n = int(place.max()) + 1
        if n == 1:  # nothing to tell the samples by but their order
            n = len(self)
            place = torch.arange(n)
        n_held_out = min(max(round(fraction * n), 1), n - 1)
        chosen = torch.zeros(n, dtype=torch.bool)
        chosen[torch.randperm(n, generator=generator)[:n_held_out]] = True
        held_out = chosen[place].to(self.inputs.device)
        kept, others = (rows.nonzero()[:, 0] for rows in (~held_out, held_out))
        return self.take(kept).normalised(), self.take(others).normalised()

    @cached_property
    def places(self) -> Tensor:
        """Number of each sample's place, from 0, equal where the coordinates are; on the CPU."""
        return numbered(self.inputs)

    @cached_property
    def groups(self) -> Tensor:
        """Number of the group that each sample is held out with.

        That which was said, or the measurement's, or that of its place: the first of which there
        are enough.
        """
        told = [] if self.together is None else [self.together[:, None]]
        if self.readout is not None:
            told.append(self.readout.measurement.held_out_together(self.inputs))
        for rows in told:
            found = numbered(rows)
            if int(found.max()) + 1 >= FEW:
                return found
        return self.places

    def normalised(self) -> Samples:
        """Return the samples with weights of mean 1, as they are after a part was taken.

        Returns
        -------
        samples : Samples
            These, if there are no weights.
        """
        if self.weights is None:
            return self
        return replace(self, weights=self.weights / self.weights.mean())


def numbered(rows: Tensor) -> Tensor:
    """Return a number for each row, from 0, equal where rows are; on the CPU."""
    # Sorting one number a row is faster than sorting rows. That two have the same is next to
    # impossible, and would do no harm.
    rows = rows.cpu().double()
    generator = torch.Generator().manual_seed(0)
    factors = torch.rand(rows.shape[1], generator=generator, dtype=torch.float64)
    keys = torch.zeros(len(rows), dtype=torch.float64)
    for column, factor in zip(rows.T, factors, strict=True):
        keys += column * (1 + factor)
    numbers: Tensor = torch.unique(keys, return_inverse=True)[1]
    return numbers
