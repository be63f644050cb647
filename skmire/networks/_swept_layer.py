"""A layer on the way forward through a network and back, in buffers that are used again."""

from __future__ import annotations

import torch
from torch import Tensor

from skmire.atoms import Atom
from skmire.networks._affine import Affine


class SweptLayer:
    """An affine map and the atom behind it, whose gain and shift are taken into the map.

    With a residual connection, its inputs are added to the atom's values.
    """

    def __init__(self, affine: Affine, atom: Atom | None, *, residual: bool) -> None:
        self.atom, self.residual = atom, residual
        self.own = affine.weight, affine.bias
        self.weight, self.bias = (p.detach() for p in self.own)
        self.gain, self.shift = (None, None) if atom is None else atom.folded
        self.d_weight, self.d_bias = torch.empty_like(self.weight), torch.empty_like(self.bias)
        if self.gain is not None:
            self.weight, self.bias = torch.empty_like(self.weight), torch.empty_like(self.bias)
        self.across, self.n_blocks = self.weight.t(), 0
        self.buffers: list[Tensor] = []  # as many rows as ever asked for
        self.spares: list[Tensor] = []  # as many rows as there are now
        self.taken = self.rows = 0
        self.out = self.weight.new_empty(0)

    def begin(self) -> None:
        """Take the present parameters, and start to add up."""
        self.n_blocks = 0
        if self.gain is not None:
            weight, bias = self.own
            torch.mul(weight, self.gain, out=self.weight)
            torch.mul(bias, self.gain, out=self.bias)
            if self.shift is not None:
                self.bias.add_(self.shift)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the values of the layer, and keep what the way back needs."""
        z = self._sums(inputs)
        if self.atom is None:
            return z
        values, self.pull = self.atom.sweep(z, self._spare)
        return torch.add(values, inputs, out=self._spare()) if self.residual else values

    def values(self, inputs: Tensor) -> Tensor:
        """Return the values of the layer."""
        z = self._sums(inputs)
        values = z if self.atom is None else self.atom.evaluate(z, self._spare)
        return values.add_(inputs) if self.residual else values

    def _sums(self, inputs: Tensor) -> Tensor:
        """Return the values of the affine map."""
        self.inputs, self.taken = inputs, 0
        if inputs.shape[0] != self.rows:
            self.rows, self.spares = inputs.shape[0], []
        return torch.addmm(self.bias, inputs, self.across, out=self._spare())

    def backward(self, cotangent: Tensor) -> Tensor:
        """Return the derivative by the layer's inputs from that by its values; add up the rest."""
        around = self._spare().copy_(cotangent) if self.residual else None
        cotangent = self.absorb(cotangent)
        if self.out.shape[0] < self.rows:
            self.out = cotangent.new_empty(self.rows, self.weight.shape[1])
        through = torch.mm(cotangent, self.weight, out=self.out[: self.rows])
        return through if around is None else through.add_(around)

    def absorb(self, cotangent: Tensor) -> Tensor:
        """Add up the derivatives by the parameters; return that by the affine map's values."""
        if self.atom is not None:
            cotangent = self.pull(cotangent)
        if self.n_blocks:
            self.d_weight.addmm_(cotangent.t(), self.inputs)
            self.d_bias.add_(cotangent.sum(0))
        else:
            torch.mm(cotangent.t(), self.inputs, out=self.d_weight)
            torch.sum(cotangent, 0, out=self.d_bias)
        self.n_blocks += 1
        return cotangent

    def end(self) -> None:
        """Hand the derivatives to the parameters that require them."""
        weight, bias = self.own
        if self.gain is not None:
            if self.gain.requires_grad:
                along = torch.dot(self.d_weight.view(-1), weight.view(-1))
                self.gain.grad = along.add_(torch.dot(self.d_bias, bias))
            if self.shift is not None and self.shift.requires_grad:
                self.shift.grad = self.d_bias.sum()
            self.d_weight.mul_(self.gain)
            self.d_bias.mul_(self.gain)
        weight.grad, bias.grad = self.d_weight, self.d_bias

    def _spare(self) -> Tensor:
        """Return another tensor for the values of this layer, used again at its next sweep."""
        if self.taken == len(self.spares):
            if self.taken == len(self.buffers):
                self.buffers.append(self.weight.new_empty(0, len(self.weight)))
            if self.buffers[self.taken].shape[0] < self.rows:
                self.buffers[self.taken] = self.weight.new_empty(self.rows, len(self.weight))
            self.spares.append(self.buffers[self.taken][: self.rows])
        self.taken += 1
        return self.spares[self.taken - 1]
