"""One sweep forward through a network and one back, for training.

Autograd keeps what each single operation needs, and runs through them again one by one. A layer
stack needs little of that: the values of each layer, and the slope of each atom, which comes along
with its values. A `LayerSweep` computes these in blocks of samples that stay in the cache. It
agrees with autograd through ``forward`` up to rounding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor, nn

from skmire.networks._affine import Affine
from skmire.networks._field import Field, computes_as
from skmire.networks._layer_stack import LayerStack
from skmire.networks._layered_field import LayeredField
from skmire.networks._mean_field import MeanField
from skmire.networks._radiance_field import N_DIMS, RadianceField
from skmire.networks._swept_layer import SweptLayer

#: From the values at some of the samples, and their rows, to the derivative of the loss by these
#: values. It may write into the values.
Response = Callable[[Tensor, slice], Tensor]

_BLOCK = 1_024  # samples; with fewer, calls cost more (benchmarks/step_size.py)
_AUTOGRAD_BLOCK = 16_384  # bounds the memory of a graph


class Sweep(Protocol):
    """Values of a field, and the gradient of a loss over samples: what `sweep_of` returns.

    It works on the field's present parameters, and in buffers of its own: one sweep is for one
    thread.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Gaussian
    >>> from skmire.networks import Architecture, sweep_of
    >>> network = Architecture().build(
    ...     [Gaussian(scale=2.0)], in_features=1, out_features=1, hidden_width=8,
    ...     generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    ... )
    >>> x = torch.linspace(-1, 1, 5).double()[:, None]
    >>> torch.allclose(sweep_of(network).values(x), network(x))
    True
    """

    def values(self, inputs: Tensor) -> Tensor:
        """Return the field's values, without a graph; the next call may write over them.

        Parameters
        ----------
        inputs : Tensor of shape (n_samples, n_dims)
            Coordinates in the unit box, or beyond. Memory grows with their number.

        Returns
        -------
        values : Tensor of shape (n_samples, n_outputs)
            Those of ``field(inputs)``, up to rounding.
        """

    def __call__(self, inputs: Tensor, respond: Response) -> None:
        """Set ``grad`` of every parameter that requires it.

        Parameters
        ----------
        inputs : Tensor of shape (n_samples, n_dims)
        respond : callable
        """


def sweep_of(field: Field) -> BlockSweep:
    """Return the fastest way to the gradients of `field` that there is.

    Parameters
    ----------
    field : Field
        The network to be trained.

    Returns
    -------
    sweep : callable
        Takes the inputs, a Tensor of shape (n_samples, n_dims), and a callable: from values at some
        of the samples, which it may write to, and their rows as a slice, to the derivative of a
        loss by these values. Sets ``grad`` of every parameter that requires it. Its method
        ``values`` takes the inputs and returns the values alone, without a graph.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Sinc
    >>> from skmire.networks import LayerStack, sweep_of
    >>> network = LayerStack(
    ...     [Sinc(scale=9.0)], in_features=1, out_features=1, hidden_width=8,
    ...     generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    ... )
    >>> x, y = torch.linspace(-1, 1, 20).double()[:, None], torch.zeros(20, 1)
    >>> sweep_of(network)(x, lambda values, rows: 2 * (values - y[rows]) / len(y))
    >>> network.affines[0].weight.grad.shape
    torch.Size([8, 1])
    """
    if computes_as(field, MeanField):
        return MeanSweep(field)
    if not isinstance(field, LayeredField) or field.is_complex:
        return AutogradSweep(field)
    if computes_as(field, LayerStack):
        return LayerSweep(field)
    if computes_as(field, RadianceField) and computes_as(field.trunk, LayerStack):
        return RadianceSweep(field, field.trunk)
    return AutogradSweep(field)


def _blocks(inputs: Tensor, size: int) -> Iterator[slice]:
    """Yield the rows of blocks: of all at once on a device that is to be filled.

    Of no samples there is one block, by which every derivative is 0.
    """
    size = size if inputs.is_cpu else max(len(inputs), 1)
    for start in range(0, max(len(inputs), 1), size):
        yield slice(start, min(start + size, len(inputs)))


class BlockSweep(ABC):
    """A sweep block by block: forward, the response to its values, and back."""

    @property
    def block(self) -> int:
        """Samples of a block, on the CPU."""
        return _BLOCK

    @abstractmethod
    def values(self, inputs: Tensor) -> Tensor:
        """Return the field's values; memory grows with the samples, so give blocks of them."""

    @abstractmethod
    def begin(self) -> None:
        """Take the present parameters, and forget all derivatives."""

    @abstractmethod
    def forward(self, inputs: Tensor) -> Tensor:
        """Return the values at the samples of a block, and keep what the way back needs."""

    @abstractmethod
    def backward(self, cotangent: Tensor) -> None:
        """Add up what the block has of the derivatives, by that of the loss by its values."""

    @abstractmethod
    def end(self) -> None:
        """Set ``grad`` of every parameter that requires it."""

    @torch.no_grad()
    def __call__(self, inputs: Tensor, respond: Response) -> None:
        """Set ``grad`` of every parameter that requires it."""
        self.begin()
        for rows in _blocks(inputs, self.block):
            self.backward(respond(self.forward(inputs[rows]), rows))
        self.end()


class AutogradSweep(BlockSweep):
    """The sweep of any field, by autograd."""

    def __init__(self, field: Field) -> None:
        self.field = field

    @property
    def block(self) -> int:
        return _AUTOGRAD_BLOCK

    @torch.no_grad()
    def values(self, inputs: Tensor) -> Tensor:
        values: Tensor = self.field(inputs)
        return values.detach()  # a view of a parameter asks for gradients even here

    def begin(self) -> None:
        self.field.zero_grad(set_to_none=True)

    @torch.enable_grad()
    def forward(self, inputs: Tensor) -> Tensor:
        values: Tensor = self.field(inputs)
        self.graph = values
        return values.detach().clone()

    def backward(self, cotangent: Tensor) -> None:
        self.graph.backward(cotangent)  # type: ignore[no-untyped-call]
        del self.graph  # and what it holds

    def end(self) -> None:
        """Autograd has set it."""


class MeanSweep(BlockSweep):
    """The sweep of a mean of fields, by theirs."""

    def __init__(self, field: MeanField) -> None:
        self.sweeps = [sweep_of(member) for member in field.each]

    @property
    def block(self) -> int:
        return min(sweep.block for sweep in self.sweeps)

    @torch.no_grad()
    def values(self, inputs: Tensor) -> Tensor:
        return torch.stack([sweep.values(inputs) for sweep in self.sweeps]).mean(dim=0)

    def begin(self) -> None:
        for sweep in self.sweeps:
            sweep.begin()

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.stack([sweep.forward(inputs) for sweep in self.sweeps]).mean(dim=0)

    def backward(self, cotangent: Tensor) -> None:
        share = cotangent / len(self.sweeps)
        for sweep in self.sweeps:
            sweep.backward(share.clone())  # which may be written over

    def end(self) -> None:
        for sweep in self.sweeps:
            sweep.end()


class SweptLayers(BlockSweep):
    """What sweeps through layers of real atoms have in common.

    Attributes
    ----------
    network : LayeredField
    layers : list of SweptLayer
        All of them, in any order.
    """

    network: LayeredField
    layers: list[SweptLayer]

    @cached_property
    def _of_atoms(self) -> list[nn.Parameter]:
        return [parameter for atom in self.network.sequence for parameter in atom.parameters()]

    def begin(self) -> None:
        for parameter in self._of_atoms:
            parameter.grad = None
        self.begin_layers()

    def begin_layers(self) -> None:
        """Take the present parameters."""
        for layer in self.layers:
            layer.begin()

    def end(self) -> None:
        for layer in self.layers:
            layer.end()


class LayerSweep(SweptLayers):
    """The sweep of a layer stack of real atoms."""

    def __init__(self, network: LayerStack) -> None:
        atoms = [*network.sequence, None]
        affines = [affine for affine in network.affines if isinstance(affine, Affine)]
        self.network, self.encoding = network, network.encoding
        self.layers = [
            SweptLayer(affine, atom, residual=network.residual and i > 0 and atom is not None)
            for i, (affine, atom) in enumerate(zip(affines, atoms, strict=True))
        ]

    @torch.no_grad()
    def values(self, inputs: Tensor) -> Tensor:
        self.begin_layers()
        values = inputs if self.encoding is None else self.encoding(inputs)
        for layer in self.layers:
            values = layer.values(values)
        return values

    def forward(self, inputs: Tensor) -> Tensor:
        values = inputs if self.encoding is None else self.encoding(inputs)
        for layer in self.layers:
            values = layer.forward(values)
        return values

    def backward(self, cotangent: Tensor) -> None:
        for layer in reversed(self.layers[1:]):
            cotangent = layer.backward(cotangent)
        self.layers[0].absorb(cotangent)


class RadianceSweep(SweptLayers):
    """The sweep of a radiance field of real atoms whose trunk is a layer stack."""

    network: RadianceField

    def __init__(self, network: RadianceField, trunk: LayerStack) -> None:
        self.network = network
        *self.trunk, self.density = LayerSweep(trunk).layers
        self.encoding, self.width = trunk.encoding, trunk.output.weight.shape[1]
        self.colours = [SweptLayer(network.colours, None, residual=False)]
        if network.layer is not None:
            self.colours.insert(0, SweptLayer(network.layer, network.atom, residual=False))
        self.layers = [*self.trunk, self.density, *self.colours]

    @torch.no_grad()
    def values(self, inputs: Tensor) -> Tensor:
        self.begin_layers()
        return self._through(inputs, SweptLayer.values)

    def forward(self, inputs: Tensor) -> Tensor:
        return self._through(inputs, SweptLayer.forward)

    def backward(self, cotangent: Tensor) -> None:
        by_glow = cotangent[:, 1:]
        for layer in reversed(self.colours):
            by_glow = layer.backward(by_glow)
        by_features = self.density.backward(cotangent[:, :1]).add_(by_glow[:, : self.width])
        for layer in reversed(self.trunk[1:]):
            by_features = layer.backward(by_features)
        self.trunk[0].absorb(by_features)

    def _through(self, inputs: Tensor, go: Callable[[SweptLayer, Tensor], Tensor]) -> Tensor:
        values = inputs[:, :N_DIMS]
        if self.encoding is not None:
            values = self.encoding(values)
        for layer in self.trunk:
            values = go(layer, values)
        glow = torch.cat([values, self.network.glance(inputs)], dim=1)
        for layer in self.colours:
            glow = go(layer, glow)
        return torch.cat([go(self.density, values), glow], dim=1)
