"""An atom's derivatives: right, continuous as declared, and had in every way torch offers."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import functional_call, hessian, jacfwd, vmap

from skmire.atoms import Atom
from skmire.testing._places import (
    Function,
    anywhere,
    components,
    derivatives,
    differentiable,
    slope,
    suspects,
    width,
)
from skmire.testing._promise import expect, promise

_ORDERS = ("value", "slope", "curvature")


@promise(
    "An atom's derivatives agree with finite differences, the second ones too if `smoothness` "
    "is at least 2, in its input and in its parameters, at removable poles as elsewhere.",
    "Detach nothing that the value depends on. Where torch.where replaces the value at a pole, "
    "the derivatives there are those of what it puts in: a Taylor polynomial has the right ones, "
    "a constant has not.",
)
def check_derivatives(atom: Atom) -> None:
    special = suspects(atom)
    for k in range(1, differentiable(atom) + 1):
        z = anywhere(atom)
        if atom.smoothness >= k:
            z = torch.cat([z, special[special.abs() <= 4]])
        for function in components(atom):
            _expect_slopes(function, z, k, 1e-5 * width(atom))
    for k in range(differentiable(atom)):
        _expect_parameter_slopes(atom, k)


def _expect_slopes(function: Function, z: Tensor, k: int, step: float) -> None:
    """Compare the k-th derivative with differences of the one before."""
    found = derivatives(function, z, k)[k]
    above, below = (derivatives(function, z + s, k - 1)[k - 1] for s in (step, -step))
    wanted = (above - below) / (2 * step)
    off = (found - wanted).abs()
    worst = int(off.nan_to_num(nan=torch.inf).argmax())
    expect(
        off[worst].item() <= 1e-4 * wanted.abs().max().item() + 1e-7,
        f"its {_ORDERS[k]} at {z[worst].item()!r} is {found[worst].item():.6g} by autograd and "
        f"{wanted[worst].item():.6g} by differences",
    )


def _expect_parameter_slopes(atom: Atom, k: int) -> None:
    """Compare the gradients of the k-th derivative in the parameters with differences.

    The parameters are moved off their values, as one that is at the end of its range has one
    side only.
    """
    z = anywhere(atom)
    signs = torch.where(torch.arange(len(z)) % 3 == 0, -1.0, 1.0)
    start = _moved(atom)
    for part in range(1 + atom.is_complex):

        def total(values: dict[str, Tensor], part: int = part) -> Tensor:
            point = z.clone().requires_grad_()
            y: Tensor = functional_call(atom, values, (point.clone(),))
            y = (y.real, y.imag)[part] if atom.is_complex else y
            for _ in range(k):
                y = slope(y, point)
            return y * signs

        leaves = {name: p.clone().requires_grad_() for name, p in start.items()}
        summed = total(leaves).sum()
        if not leaves or not summed.requires_grad:
            continue
        gradients = torch.autograd.grad(summed, list(leaves.values()), materialize_grads=True)
        for (name, p), found in zip(start.items(), gradients, strict=True):
            step = 1e-6 * max(1.0, abs(p.item()))
            above, below = (total({**start, name: p + s}).detach() for s in (step, -step))
            change = (above - below) / (2 * step)
            wanted, size = change.sum().item(), change.abs().sum().item()
            expect(
                abs(found.item() - wanted) <= 1e-4 * size + 1e-6,
                f"the gradient of its {_ORDERS[k]} in {name} is {found.item():.6g} by autograd "
                f"and {wanted:.6g} by differences, with {_plain(start)}",
            )


def _moved(atom: Atom) -> dict[str, Tensor]:
    return {name: p.detach().double() * 1.01 + 0.0137 for name, p in atom.named_parameters()}


def _plain(parameters: dict[str, Tensor]) -> dict[str, float]:
    return {name: round(p.item(), 6) for name, p in parameters.items()}


@promise(
    "Each parameter of an atom changes its values.",
    "Use it in forward, or take it out of `base`.",
)
def check_parameters_matter(atom: Atom) -> None:
    leaves = {name: p.requires_grad_() for name, p in _moved(atom).items()}
    z = anywhere(atom)
    for name, p in leaves.items():
        with torch.no_grad():
            changed = {**leaves, name: p + 0.1}
            off = (functional_call(atom, changed, (z.clone(),))
                   - functional_call(atom, leaves, (z.clone(),))).abs().max()  # fmt: skip
        expect(off.item() > 0, f"another {name} gives the same values")


@promise(
    "An atom is continuous, and has as many continuous derivatives as `smoothness` says, here "
    "looked for up to the second.",
    "Lower `smoothness` to what is true (0 for a kink), or mend the formula where its pieces "
    "meet: at a removable pole, by a Taylor polynomial that reaches far enough.",
)
def check_smoothness(atom: Atom) -> None:
    grid = torch.cat([torch.linspace(-4, 4, 1_501).double() * r for r in (1.0, width(atom))])
    special = suspects(atom)
    grid = torch.cat([grid, special[special.abs() <= 4]]).sort().values
    for k in range(int(min(2, atom.smoothness)) + 1):
        for function in components(atom):

            def derivative(z: Tensor, function: Function = function, k: int = k) -> Tensor:
                return derivatives(function, z, k)[k]

            where, jump = _steepest(derivative, grid)
            size = derivative(grid).abs().max().item()
            expect(
                jump <= 1e-6 * max(size, 1.0),
                f"its smoothness is {atom.smoothness}, but its {_ORDERS[k]} jumps by {jump:.3g} "
                f"near {round(where, 6) + 0.0}",
            )


def _steepest(function: Callable[[Tensor], Tensor], grid: Tensor) -> tuple[float, float]:
    """Halve all intervals of `grid`, each to its steeper half; return the largest step left.

    Of a continuous function nothing is left after 26 halvings; a jump stays wherever it is.
    """
    left, right = grid[:-1], grid[1:]
    at_left, at_right = function(left), function(right)
    for _ in range(26):
        middle = (left + right) / 2
        value = function(middle)
        first = _distance(value, at_left) >= _distance(at_right, value)
        left, at_left = torch.where(first, left, middle), torch.where(first, at_left, value)
        right, at_right = torch.where(first, middle, right), torch.where(first, value, at_right)
    steps = _distance(at_right, at_left)
    worst = int(steps.argmax())
    return left[worst].item(), steps[worst].item()


def _distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().nan_to_num(nan=torch.inf)


@promise(
    "An atom works under torch.func: vmap, jacfwd and hessian give what autograd gives.",
    "Use plain torch operations: no numpy, no .item(), no `if` on values, no "
    "torch.autograd.Function.",
)
def check_torch_func(atom: Atom) -> None:
    z = anywhere(atom)
    count = differentiable(atom)
    with warnings.catch_warnings():
        # torch.func imports decompositions that torch 2.13 still scripts.
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
        for function in components(atom):
            wanted = derivatives(function, z, count)
            ways = (function, jacfwd(function), hessian(function))[: count + 1]
            for name, way, reference in zip(_ORDERS, ways, wanted, strict=False):
                off = (vmap(way)(z).detach() - reference).abs().max().item()
                size = max(reference.abs().max().item(), 1.0)
                expect(off <= 1e-10 * size, f"its {name} under vmap is off by {off:.2g}")


@promise(
    "An atom's sweep and its evaluate give the values of forward, and the sweep's way back gives "
    "the derivatives of autograd; what is folded into the weights before is a gain, or a gain and "
    "a shift.",
    "Leave `sweep`, `evaluate` and `folded` to Atom, which goes through forward, or mend them.",
)
def check_sweep(atom: Atom) -> None:
    ways = type(atom).sweep, type(atom).evaluate
    if ways == (Atom.sweep, Atom.evaluate) or atom.is_complex:  # these go through forward
        return
    ours, z = copy.deepcopy(atom).double().requires_grad_(True), anywhere(atom)
    cotangent = torch.where(torch.arange(len(z)) % 3 == 0, -1.0, 1.0).double()
    leaf = z.clone().requires_grad_(True)
    values = ours(leaf)
    (values * cotangent).sum().backward()
    wanted = {"values": values.detach(), "values alone": values.detach(), "slope": leaf.grad} | {
        f"gradient in {name}": p.grad for name, p in ours.named_parameters()
    }
    ours.zero_grad(set_to_none=True)
    gain, shift = ours.folded
    with torch.no_grad():
        t = z.clone() if gain is None else gain * z
        t = t if shift is None else t + shift
        evaluated = ours.evaluate(t.clone(), lambda: torch.empty_like(z))
        swept, pull = ours.sweep(t, lambda: torch.empty_like(z))
        swept = swept.clone()
        by_t = pull(cotangent.clone())
        if shift is not None:
            shift.grad = by_t.sum()
        if gain is not None:
            gain.grad = (by_t * z).sum()
            by_t = by_t * gain
    found = {"values": swept, "values alone": evaluated, "slope": by_t} | {
        f"gradient in {name}": p.grad for name, p in ours.named_parameters()
    }
    for name, reference in wanted.items():
        if reference is None:
            continue
        expect(found[name] is not None, f"its sweep gives no {name}")
        off = (found[name] - reference).abs().max().item()
        size = max(reference.abs().max().item(), 1.0)
        expect(off <= 1e-9 * size, f"the {name} of its sweep are off by {off:.2g}")


@promise(
    "An atom's jet gives the values of forward and its first and second derivatives, by what is "
    "left once gain and shift are applied.",
    "Leave `jet` and `formula` to Atom, which go through forward, or mend them.",
)
def check_jet(atom: Atom) -> None:
    if atom.is_complex:  # these go through forward
        return
    ours, z = copy.deepcopy(atom).double(), anywhere(atom)
    gain, shift = ours.folded
    with torch.no_grad():
        t = z.clone() if gain is None else gain * z
        t = t if shift is None else t + shift
        found = [torch.empty_like(t) for _ in _ORDERS]
        ours.jet(t, found, lambda: torch.empty_like(t))
    for k, reference in enumerate(derivatives(lambda z: ours(z.clone()), z, 2)):
        jet = found[k] if gain is None else found[k] * gain.detach() ** k
        off = (jet - reference).abs().max().item()
        size = max(reference.abs().max().item(), 1.0)
        expect(off <= 1e-9 * size, f"the {_ORDERS[k]} of its jet are off by {off:.2g}")


CHECKS = (
    check_smoothness, check_derivatives, check_parameters_matter, check_torch_func, check_sweep,
    check_jet,
)  # fmt: skip
