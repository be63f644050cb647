"""The sweep through a measurement and the network behind it, for training."""

from __future__ import annotations

import torch
from torch import Tensor

from skmire.measurements._readout import Readout
from skmire.networks import Field, sweep_of
from skmire.networks._sweep import Response, Sweep

_SAMPLES = 1_024  # measured together: bounds the memory of a graph
_POINTS = 1_024  # evaluated together: stay in the cache


def sweep_through(
    field: Field, readout: Readout | None, generator: torch.Generator | None = None
) -> Sweep:
    """Return the fastest way to the gradients of `field` by what is measured of it.

    Parameters
    ----------
    field : Field
        The network to be trained.
    readout : Readout or None
        What is measured; ``None`` for the field's values themselves.
    generator : torch.Generator, default=None
        Of a training, on the CPU, for measurements that look at random places in its steps.

    Returns
    -------
    sweep : Sweep
        As `skmire.networks.sweep_of` returns, from the inputs that the readout takes.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Sinc
    >>> from skmire.measurements import sweep_through
    >>> from skmire.networks import LayerStack
    >>> network = LayerStack(
    ...     [Sinc(scale=9.0)], in_features=1, out_features=1, hidden_width=8,
    ...     generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    ... )
    >>> sweep_through(network, None).values(torch.zeros(5, 1).double()).shape
    torch.Size([5, 1])
    """
    if readout is None:
        return sweep_of(field)
    kind = DerivingSweep if readout.measurement.differentiates else MeasuredSweep
    return kind(field, readout, generator)


class _Recorded(Field):
    """A field that keeps where it is evaluated, and whose values are leaves of the graph."""

    def __init__(self, field: Field, sweep: Sweep) -> None:
        super().__init__()
        self.field, self.sweep = field, sweep
        self.points: list[Tensor] = []
        self.leaves: list[Tensor] = []

    def forward(self, coords: Tensor) -> Tensor:
        flat = coords.detach().reshape(-1, coords.shape[-1])
        size = _POINTS if flat.is_cpu else max(len(flat), 1)
        starts = range(0, max(len(flat), 1), size)
        # Copied, as the next block may be written over the values of this one.
        values = torch.cat([self.sweep.values(flat[at : at + size]).clone() for at in starts])
        if torch.is_grad_enabled():
            self.points.append(flat)
            self.leaves.append(values.requires_grad_())
        return values.reshape(*coords.shape[:-1], values.shape[-1])


class MeasuredSweep:
    """The sweep of a measurement that asks a field for values alone.

    The derivatives by these values come from autograd, through the measurement; those by the
    parameters from the field's own sweep, at all points together.
    """

    def __init__(
        self, field: Field, readout: Readout, generator: torch.Generator | None = None
    ) -> None:
        self.field, self.readout, self.generator = field, readout, generator
        self.sweep = sweep_of(field)

    @torch.no_grad()
    def values(self, inputs: Tensor) -> Tensor:
        """Return what is measured."""
        return self.readout.predict(_Recorded(self.field, self.sweep), inputs)

    def __call__(self, inputs: Tensor, respond: Response) -> None:
        """Set ``grad`` of every parameter that requires it."""
        points: list[Tensor] = []
        slopes: list[Tensor] = []
        for start in range(0, len(inputs), _SAMPLES):
            rows = slice(start, min(start + _SAMPLES, len(inputs)))
            recorded = _Recorded(self.field, self.sweep)
            with torch.enable_grad():
                measured = self.readout.predict(recorded, inputs[rows], self.generator)
            _pull(measured, respond, rows)
            points += recorded.points
            slopes += [
                torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
                for leaf in recorded.leaves
            ]
        by_values = torch.cat(slopes)
        self.sweep(torch.cat(points), lambda values, rows: by_values[rows])


class DerivingSweep:
    """The sweep of a measurement that asks a field for derivatives: by autograd, twice."""

    def __init__(
        self, field: Field, readout: Readout, generator: torch.Generator | None = None
    ) -> None:
        self.field, self.readout, self.generator = field, readout, generator

    def values(self, inputs: Tensor) -> Tensor:
        """Return what is measured."""
        with torch.enable_grad():
            return self.readout.predict(self.field, inputs).detach()

    def __call__(self, inputs: Tensor, respond: Response) -> None:
        """Set ``grad`` of every parameter that requires it."""
        self.field.zero_grad(set_to_none=True)
        for start in range(0, len(inputs), _SAMPLES):
            rows = slice(start, min(start + _SAMPLES, len(inputs)))
            with torch.enable_grad():
                measured = self.readout.predict(self.field, inputs[rows], self.generator)
            _pull(measured, respond, rows)
        for parameter in self.field.parameters():
            if parameter.requires_grad and parameter.grad is None:  # a constant has no derivative
                parameter.grad = torch.zeros_like(parameter)


def _pull(measured: Tensor, respond: Response, rows: slice) -> None:
    with torch.no_grad():
        cotangent = respond(measured.detach().clone(), rows)
    if measured.requires_grad:  # else nothing of it depends on the field
        measured.backward(cotangent)  # type: ignore[no-untyped-call]
