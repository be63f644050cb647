"""What an atom computes: elementwise, finite, the same in either precision."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Iterator

import numpy as np
import torch

from skmire.atoms import Atom, VariablePeriodic
from skmire.testing._places import anywhere, around, components, derivatives, differentiable
from skmire.testing._places import suspects as suspect_points
from skmire.testing._promise import expect, promise

_FLOATS = (torch.float64, torch.float32)
_ORDERS = ("value", "slope", "curvature")


@promise(
    "An atom keeps shape and precision of its input; one that is_complex returns the complex "
    "type of that precision, and no other does.",
    "Compute elementwise from z and the parameters, make new tensors with torch.zeros_like(z) "
    "and the like, and declare is_complex as it is.",
)
def check_shape_and_dtype(atom: Atom) -> None:
    for dtype in _FLOATS:
        ours = copy.deepcopy(atom).to(dtype)
        wanted = dtype.to_complex() if atom.is_complex else dtype
        for shape in [(), (0,), (3,), (2, 3, 4)]:
            y = ours(torch.rand(shape, dtype=dtype, generator=torch.Generator()))
            expect(
                y.shape == shape and y.dtype == wanted,
                f"of shape {shape} and {dtype} it makes {tuple(y.shape)} and {y.dtype}",
            )


@promise(
    "An atom acts on each element by itself.",
    "Use elementwise operations only: no sum, mean, sort or position enters.",
)
def check_elementwise(atom: Atom) -> None:
    z = anywhere(atom)
    order = torch.randperm(len(z), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = atom(z.clone())
        found = {
            "in another order": atom(z[order])[order.argsort()],
            "as a table": atom(z.reshape(4, -1).clone()).flatten(),
            "in halves": torch.cat([atom(half.clone()) for half in z.chunk(2)]),
            "one by one": torch.stack([atom(x.clone()) for x in z]),
        }
    size = wanted.abs().max().item()
    for how, values in found.items():
        off = (values - wanted).abs().max().item()
        expect(off <= 1e-12 * size, f"the same elements {how} differ by {off:.2g}")


@promise(
    "An atom leaves its input as it is.",
    "Use no operation in place (names that end in _, +=) on z.",
)
def check_input_is_left_alone(atom: Atom) -> None:
    z = anywhere(atom)
    version = z._version  # torch counts what is written to a tensor, be it what was there
    with torch.no_grad():
        atom(z)
    expect(z._version == version, "its input has been written to")


@promise(
    "An atom is a function: the same input gives the same output, and no global random state is "
    "drawn from.",
    "Draw nothing and change nothing in forward.",
)
def check_no_state(atom: Atom) -> None:
    z = anywhere(atom)
    before, parameters = random_states(), atom.values()
    with torch.no_grad():
        first, second = atom(z.clone()), atom(z.clone())
    drawn = [name for name, state in random_states().items() if state != before[name]]
    expect(not drawn, f"calling it changes the random state of {', '.join(drawn)}")
    expect(torch.equal(first, second), "a second call gives another answer")
    expect(atom.values() == parameters, "a call changes its parameters")


def random_states() -> dict[str, object]:
    # Only read: numpy has no other name for the state that a draw would change.
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": repr(numpy_state),
        "random": random.getstate(),
    }


@promise(
    "An atom, its first derivative (the second too, if `smoothness` is at least 2) and its "
    "gradient in its parameters are finite for inputs up to a million, at 0 and wherever its "
    "formula has a removable pole.",
    "Where a formula divides by something that can be 0, give each branch of torch.where an "
    "argument at which it is harmless: an unused infinity still becomes NaN in the backward "
    "pass. Clamp what overflows.",
)
def check_finite(atom: Atom) -> None:
    powers = torch.logspace(-12, 6, 37, dtype=torch.float64)
    for ours in _configurations(atom):
        special = suspect_points(ours)
        z = torch.cat([special, powers, -powers, anywhere(ours)])
        for dtype in _FLOATS:
            _expect_finite(copy.deepcopy(ours).to(dtype), z.to(dtype))


def _configurations(atom: Atom) -> Iterator[Atom]:
    yield atom
    for scale in (1.0, *atom.image_scales, *atom.matched_scales):
        yield atom.fresh(atom.at_scale(scale))


def _expect_finite(atom: Atom, z: torch.Tensor) -> None:
    at = f"in {z.dtype} with {atom.values()}"
    for function in components(atom):
        found = derivatives(function, z, differentiable(atom))
        for name, values in zip(_ORDERS, found, strict=False):
            bad = ~values.isfinite()
            first = int(bad.int().argmax())
            expect(
                not bad.any(),
                f"its {name} at {z[first].item()!r} is {values[first].item()}, {at}",
            )
        parameters = dict(atom.named_parameters())
        values = function(z)
        if parameters and values.requires_grad:
            gradients = torch.autograd.grad(
                values.sum(), list(parameters.values()), materialize_grads=True
            )
            for name, gradient in zip(parameters, gradients, strict=True):
                expect(
                    bool(gradient.isfinite()),
                    f"its gradient in {name} is {gradient.item()} over these inputs, {at}",
                )


@promise(
    "An atom in float32 agrees with itself in float64: values to 1e-4 of the largest, slopes to "
    "1e-3, curvatures (if `smoothness` is at least 2) to 1e-2, near removable poles too.",
    "Differences of nearly equal numbers lose digits, as in a quotient next to its pole: use a "
    "Taylor series there.",
)
def check_float32(atom: Atom) -> None:
    single = copy.deepcopy(atom).to(torch.float32)
    double = copy.deepcopy(single).to(torch.float64)  # the very numbers that float32 holds
    special = around(suspect_points(atom))
    for order in range(differentiable(atom) + 1):
        z = anywhere(atom)
        if atom.smoothness >= order:
            z = torch.cat([z, special[special.abs() <= 4]])
        z = z.float()
        for mine, reference in zip(components(single), components(double), strict=True):
            found = derivatives(mine, z, order)[order].double()
            wanted = derivatives(reference, z.double(), order)[order]
            off = (found - wanted).abs()
            size, worst = wanted.abs().max().item(), int(off.argmax())
            expect(
                off.max().item() <= 10.0 ** (order - 4) * size,
                f"its {_ORDERS[order]} at {z[worst].item()!r} is {found[worst].item():.6g} in "
                f"float32 and {wanted[worst].item():.6g} in float64",
            )


@promise(
    "An atom that is_complex also takes complex input, agrees there with itself on real input, "
    "and its hand_over makes real numbers of complex ones, elementwise.",
    "Compute from z.real and z.imag where z.is_complex(); hand_over may return z.real or z.abs().",
)
def check_complex(atom: Atom) -> None:
    if not atom.is_complex:
        return
    z = anywhere(atom)
    with torch.no_grad():
        off = (atom(z.to(torch.complex128)) - atom(z.clone())).abs().max().item()
        expect(off <= 1e-12, f"on real numbers in complex form it is off by {off:.2g}")
        mixed = torch.complex(z, z.flip(0))
        expect(bool(atom(mixed.clone()).isfinite().all()), "on complex input it is not finite")
        real = atom.hand_over(mixed)
    expect(
        real.shape == z.shape and real.dtype == z.dtype,
        f"hand_over makes {real.dtype} of shape {tuple(real.shape)} of {tuple(z.shape)}",
    )


@promise(
    "at_scale(s) returns parameters at which the atom is that of at_scale(1), of s times the "
    "input.",
    "Name every parameter that stretches the input in `scale_parameters`, and no other; if they "
    "do not stretch in proportion (a width, say), override at_scale. An atom that has none sets "
    "scale_parameters = ().",
)
def check_at_scale_stretches(atom: Atom) -> None:
    names = set(atom.at_scale(2.0))
    expect(names == set(atom.base), f"at_scale returns {sorted(names)}, not all of `base`")
    for name in ("image_scales", "matched_scales"):
        scales = list(getattr(atom, name))
        expect(
            len(scales) == 2 and all(0 < scale < math.inf for scale in scales),
            f"{name} is {scales}, not two positive numbers",
        )
    while isinstance(atom, VariablePeriodic):  # it stretches the input of the atom it wraps
        atom = atom.atom
    if not atom.scale_parameters or set(atom.scale_parameters) & set(atom.start):
        return
    z = anywhere(atom)
    unit = atom.fresh(atom.at_scale(1.0))
    for scale in (0.25, 3.0):
        found, wanted = atom.fresh(atom.at_scale(scale))(z.clone()), unit(scale * z)
        off = (found - wanted).abs().max().item()
        size = wanted.abs().max().item()
        expect(off <= 1e-9 * size, f"at_scale({scale}) is off by {off:.2g} in {size:.2g}")
    with torch.no_grad():
        constant = bool((unit(z.clone()) - unit(2 * z)).abs().max() == 0)
    expect(not constant, "it does not depend on its scale at all")


CHECKS = (
    check_shape_and_dtype,
    check_elementwise,
    check_input_is_left_alone,
    check_no_state,
    check_finite,
    check_float32,
    check_complex,
    check_at_scale_stretches,
)
