"""Derivatives of a field to any order, exact, for queries.

The values and the derivatives of a layer stack go through its layers together. The affine map of a
layer applies to each of them alike; the atom combines them by the chain rule of higher order, from
its own derivatives. That is arithmetic with truncated Taylor polynomials. First derivatives of
fewer outputs than there are directions cost less on the way back from the outputs.

References
----------
- Hardy, Combinatorics of partial derivatives, Electronic Journal of Combinatorics 13, 2006.
- Griewank and Walther, Evaluating Derivatives, 2nd edition, 2008, chapters 3 and 13.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations, count
from typing import Protocol

import torch
from torch import Tensor

from skmire.atoms import Atom
from skmire.networks._affine import Affine
from skmire.networks._field import Field, computes_as
from skmire.networks._layer_stack import LayerStack
from skmire.networks._mean_field import MeanField
from skmire.networks._non_negative import NonNegative

#: The directions that are derived along, lowest first: () for the values, (0, 0, 1) for the
#: derivative taken twice along the first direction and once along the second.
Axes = tuple[int, ...]
#: The sum over directions of the second derivatives along each.
TRACE: Axes = (-1, -1)


class Calculus(Protocol):
    """Derivatives of a field, as `calculus_of` returns them; it has buffers, so is for one thread.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Gaussian
    >>> from skmire.networks import LayerStack, calculus_of
    >>> network = LayerStack(
    ...     [Gaussian(scale=2.0)], in_features=2, out_features=1, hidden_width=8,
    ...     generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    ... )
    >>> x = torch.rand(5, 2).double()
    >>> calculus_of(network)(x, torch.eye(2).double(), [(), (0,), (0, 1)]).shape
    torch.Size([3, 5, 1])
    """

    def __call__(self, inputs: Tensor, directions: Tensor, wanted: Sequence[Axes]) -> Tensor:
        """Return the derivatives that are wanted, without a graph.

        Parameters
        ----------
        inputs : Tensor of shape (n_samples, n_dims)
            Coordinates in the unit box, or beyond. Memory grows with their number.
        directions : Tensor of shape (n_directions, n_dims) or (n_directions, n_samples, n_dims)
            What derivatives are taken along; their lengths count.
        wanted : sequence of tuple of int
            The directions of each derivative, lowest first; none for the values. ``(-1, -1)`` is
            the sum over directions of the second derivatives along each.

        Returns
        -------
        derivatives : Tensor of shape (n_wanted, n_samples, n_outputs)
        """


def calculus_of(field: Field) -> Calculus:
    """Return the fastest way to the derivatives of `field` that there is.

    Parameters
    ----------
    field : Field
        Any network.

    Returns
    -------
    calculus : callable
        Takes the inputs, a Tensor of shape (n_samples, n_dims), the directions, (n_directions,
        n_dims) or one a sample, and a list of tuples of their numbers: ``(0, 0, 1)`` is the
        derivative taken twice along the first direction and once along the second, ``()`` the
        values. Returns these as a Tensor of shape (n_wanted, n_samples, n_outputs), exact but for
        rounding, to any order.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Sinusoid
    >>> from skmire.networks import LayerStack, calculus_of
    >>> network = LayerStack(
    ...     [Sinusoid()], in_features=1, out_features=1, hidden_width=1,
    ...     generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    ... )
    >>> for affine in network.affines:  # now it is sin(x)
    ...     _ = affine.weight.data.fill_(1.0), affine.bias.data.fill_(0.0)
    >>> x = torch.tensor([[0.5], [1.0]]).double()
    >>> calculus_of(network)(x, torch.eye(1).double(), [(), (0,), (0, 0)])[..., 0]
    tensor([[ 0.4794,  0.8415],
            [ 0.8776,  0.5403],
            [-0.4794, -0.8415]], dtype=torch.float64)
    """
    if computes_as(field, MeanField):
        return MeanCalculus(field)
    if computes_as(field, NonNegative):
        return BentCalculus(field)
    if not computes_as(field, LayerStack) or field.is_complex:
        return AutogradCalculus(field)
    if field.residual or field.encoding is not None:
        return AutogradCalculus(field)
    return LayerCalculus(field)


class MeanCalculus:
    """Derivatives of a mean of fields: the mean of theirs."""

    def __init__(self, field: MeanField) -> None:
        self.each = [calculus_of(member) for member in field.each]

    def __call__(self, inputs: Tensor, directions: Tensor, wanted: Sequence[Axes]) -> Tensor:
        """Return the derivatives that are wanted."""
        found = [calculus(inputs, directions, wanted) for calculus in self.each]
        return torch.stack(found).mean(dim=0)


class BentCalculus:
    """Derivatives of a field that is bent: those of what it bends, by the chain rule."""

    def __init__(self, field: NonNegative) -> None:
        self.field, self.inner = field, calculus_of(field.field)

    @torch.no_grad()
    def __call__(self, inputs: Tensor, directions: Tensor, wanted: Sequence[Axes]) -> Tensor:
        """Return the derivatives that are wanted."""
        places = _channels(tuple(wanted), len(directions))
        inner = self.inner(inputs, directions, list(places))
        values, *own = self.field.jet(inner[0], max(map(len, places)))
        out = torch.stack([values, *inner[1:]])
        scratch = inner.new_empty(2, *values.shape)
        _chain([None, *inner[1:]], own, out, places, len(directions), scratch)
        return out[[places[axes] for axes in wanted]]


class AutogradCalculus:
    """Derivatives of any field, by autograd over and over."""

    def __init__(self, field: Field) -> None:
        self.field = field

    @torch.enable_grad()
    def __call__(self, inputs: Tensor, directions: Tensor, wanted: Sequence[Axes]) -> Tensor:
        """Return the derivatives that are wanted."""
        coords = inputs.detach().clone().requires_grad_(True)
        slopes: dict[Axes, Tensor] = {}
        return torch.stack(
            [self._derivative(axes, coords, directions, slopes).detach() for axes in wanted]
        )

    def _derivative(
        self, axes: Axes, coords: Tensor, directions: Tensor, slopes: dict[Axes, Tensor]
    ) -> Tensor:
        # No closure that calls itself: that would keep the graph until garbage is collected.
        if not axes:
            values: Tensor = self.field(coords)
            return values
        if axes == TRACE:
            each = [(i, i) for i in range(len(directions))]
            bends = [self._derivative(pair, coords, directions, slopes) for pair in each]
            return torch.stack(bends).sum(0)
        *before, last = axes
        if (key := tuple(before)) not in slopes:
            columns = self._derivative(key, coords, directions, slopes).unbind(1)
            slopes[key] = torch.stack([_slope(column, coords) for column in columns], dim=1)
        return (slopes[key] * directions[last].unsqueeze(-2)).sum(-1)


def _slope(values: Tensor, coords: Tensor) -> Tensor:
    if not values.requires_grad:
        return torch.zeros_like(coords)
    (slope,) = torch.autograd.grad(values.sum(), coords, create_graph=True, materialize_grads=True)
    return slope


class LayerCalculus:
    """Derivatives of a layer stack of real atoms."""

    def __init__(self, network: LayerStack) -> None:
        affines = [affine for affine in network.affines if isinstance(affine, Affine)]
        self.layers = [_Layer(a, atom) for a, atom in zip(affines, network.sequence, strict=False)]
        self.weight, self.bias = (p.detach() for p in (affines[-1].weight, affines[-1].bias))
        self.held: dict[str, Tensor] = {}

    @torch.no_grad()
    def __call__(self, inputs: Tensor, directions: Tensor, wanted: Sequence[Axes]) -> Tensor:
        """Return the derivatives that are wanted."""
        backward = max(map(len, wanted)) == 1 and len(self.bias) < len(directions)
        return (self._backward if backward else self._forward)(inputs, directions, wanted)

    def _forward(self, inputs: Tensor, directions: Tensor, wanted: Sequence[Axes]) -> Tensor:
        """Take values and derivatives through the layers together."""
        places = _channels(tuple(wanted), len(directions))
        order, n_samples = max(map(len, places)), len(inputs)
        before: list[Tensor | None] = [None] * len(places)
        stack = inputs.new_empty(0)
        for i, layer in enumerate(self.layers):
            t = self._room("t", n_samples, len(layer.bias))
            out = self._room(f"stack {i % 2}", len(places), *t.shape)
            if i == 0:
                torch.addmm(layer.bias, inputs, layer.weight.t(), out=t)
                each = directions if directions.ndim == 3 else directions[:, None]
                slopes = (each @ layer.weight.t()).expand(-1, *t.shape)
                for k, slope in enumerate(slopes):
                    if (k,) in places:
                        before[places[k,]] = slope
            else:
                torch.addmm(layer.bias, stack[0], layer.weight.t(), out=t)
                torch.mm(stack[1:].flatten(0, 1), layer.weight.t(), out=out[1:].flatten(0, 1))
                before = [None, *out[1:]]
            own = self._room("own", order, *t.shape)
            layer.atom.jet(t, [out[0], *own], self._spares(t))
            scratch = self._room("scratch", 2, *t.shape)
            _chain(before, own, out, places, len(directions), scratch)
            stack = out
        found = torch.matmul(stack, self.weight.t())
        found[0].add_(self.bias)
        return found[[places[axes] for axes in wanted]]

    def _backward(self, inputs: Tensor, directions: Tensor, wanted: Sequence[Axes]) -> Tensor:
        """Keep the slopes of the atoms on the way there, and come back from the outputs."""
        n_samples, kept = len(inputs), []
        for i, layer in enumerate(self.layers):
            t = self._room("t", n_samples, len(layer.bias))
            torch.addmm(layer.bias, inputs, layer.weight.t(), out=t)
            inputs = self._room(f"values {i % 2}", *t.shape)
            kept.append(self._room(f"slope {i}", *t.shape))
            layer.atom.jet(t, [inputs, kept[-1]], self._spares(t))
        values = torch.addmm(self.bias, inputs, self.weight.t())
        slopes = self.weight[:, None]  # (n_outputs, n_samples, n_units); here alike for all samples
        for layer, slope in zip(reversed(self.layers), reversed(kept), strict=True):
            by_t = self._room("by t", len(values[0]), *slope.shape)
            torch.mul(slopes, slope, out=by_t)
            slopes = self._room("by inputs", *by_t.shape[:2], layer.weight.shape[1])
            torch.mm(by_t.flatten(0, 1), layer.weight, out=slopes.flatten(0, 1))
        each = "knd" if directions.ndim == 3 else "kd"
        along = torch.einsum(f"mnd,{each}->knm", slopes, directions)
        return torch.stack([along[axes[0]] if axes else values for axes in wanted])

    def _spares(self, t: Tensor) -> Callable[[], Tensor]:
        """Return what gives a tensor like `t` to write to, another at each call."""
        return (self._room(f"spare {i}", *t.shape) for i in count()).__next__

    def _room(self, name: str, *shape: int) -> Tensor:
        """Return a tensor to write to, the same memory at each call."""
        size = math.prod(shape)
        if name not in self.held or self.held[name].numel() < size:
            self.held[name] = self.weight.new_empty(size)
        return self.held[name][:size].view(shape)


class _Layer:
    """An affine map and the atom behind it, whose gain and shift are taken into the map."""

    def __init__(self, affine: Affine, atom: Atom) -> None:
        self.atom = atom
        gain, shift = (None if p is None else p.detach() for p in atom.folded)
        self.weight, self.bias = affine.weight.detach(), affine.bias.detach()
        if gain is not None:
            self.weight, self.bias = self.weight * gain, self.bias * gain
        if shift is not None:
            self.bias = self.bias + shift


@cache
def _channels(wanted: tuple[Axes, ...], n_directions: int) -> Mapping[Axes, int]:
    """Return what goes through the layers, and where: what is wanted, and all it depends on."""
    needed = {(), *wanted}
    for axes in wanted:
        lower = [(i,) for i in range(n_directions)] if axes == TRACE else []
        needed |= {*lower} or {part for n in range(len(axes)) for part in combinations(axes, n)}
    return {axes: place for place, axes in enumerate(sorted(needed, key=lambda a: (len(a), a)))}


@cache
def _terms(axes: Axes, n_directions: int) -> Mapping[int, list[tuple[int, tuple[Axes, ...]]]]:
    """Return the chain rule of a derivative: what each derivative of the atom is multiplied by.

    That of order m by a sum of products of m derivatives of its argument, each with a factor.
    """
    if axes == TRACE:
        return {2: [(1, ((i,), (i,))) for i in range(n_directions)]}
    terms = defaultdict(list)
    for blocks, times in Counter(tuple(sorted(p)) for p in _partitions(axes)).items():
        if len(blocks) > 1:
            terms[len(blocks)].append((times, blocks))
    return terms


def _partitions(axes: Axes) -> Iterator[tuple[Axes, ...]]:
    """Yield all ways to share out the positions of `axes` among blocks."""
    if not axes:
        yield ()
        return
    first, rest = axes[:1], axes[1:]
    for blocks in _partitions(rest):
        yield first, *blocks
        for i, block in enumerate(blocks):
            yield *blocks[:i], first + block, *blocks[i + 1 :]


def _chain(
    before: Sequence[Tensor | None],
    own: Tensor | Sequence[Tensor],
    out: Tensor,
    places: Mapping[Axes, int],
    n_directions: int,
    scratch: Tensor,
) -> None:
    """Write an atom's derivatives, from its own and those of its argument, which may be in `out`.

    Of the argument, None is 0. The highest come first, as they depend on the lower ones.
    """
    total, product = scratch
    for axes, place in reversed(list(places.items())):
        if not axes:
            continue
        linear, is_empty = before[place], True
        if linear is not None:
            torch.mul(linear, own[0], out=out[place])
            is_empty = False
        for order, terms in _terms(axes, n_directions).items():
            n_added = 0
            for times, blocks in terms:
                factors = [f for block in blocks if (f := before[places[block]]) is not None]
                if len(factors) < len(blocks):
                    continue
                head = factors[0]
                for factor in factors[1:-1]:
                    head = torch.mul(head, factor, out=product)
                if n_added:
                    total.addcmul_(head, factors[-1], value=times)
                else:
                    torch.mul(head, factors[-1], out=total)
                    if times > 1:
                        total.mul_(times)
                n_added += 1
            if n_added and is_empty:
                torch.mul(own[order - 1], total, out=out[place])
                is_empty = False
            elif n_added:
                out[place].addcmul_(own[order - 1], total)
        if is_empty:
            out[place].zero_()
