"""FINER's variable-periodic warp, around any atom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from skmire.atoms._acceleration import jet_kernel, kernel
from skmire.atoms._base import Atom, Pull, Spare, add_gradient, go_back
from skmire.atoms._sinusoid import Sinusoid


class VariablePeriodic(Atom):
    r"""Variable-periodic warp: an atom whose local frequency grows away from 0.

    .. math:: \sigma\big((|x| + 1)\,x\big)

    Around a sinusoid it is FINER's activation, the dictionary's ``"finer"``. The warp has one
    continuous derivative; its second derivative jumps at 0 from -2 to 2 and is taken as 0 there.
    Derivatives are those of the function; FINER's own training code leaves the factor
    :math:`|x| + 1` out of them. In words, its spectrum holds every frequency from the wrapped
    atom's upwards, the more of them the wider the bias.

    Parameters
    ----------
    atom : Atom
        The atom to warp. Its parameters are this atom's.

    References
    ----------
    Liu et al., FINER: Flexible Spectral-bias Tuning in Implicit Neural Representation by
    Variable-periodic Activation Functions, CVPR 2024; FINER++, 2024.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Gaussian, Sinusoid, VariablePeriodic
    >>> VariablePeriodic(Sinusoid()).name, VariablePeriodic(Gaussian()).name
    ('finer', 'variable_periodic(gaussian)')
    >>> VariablePeriodic(Gaussian())(torch.tensor([1.0])).tolist()  # exp(-2**2)
    [0.0183...]
    """

    image_scales: ClassVar[tuple[float, float]] = (10.0, 3.0)
    matched_scales: ClassVar[tuple[float, float]] = (0.4, 0.78)

    def __init__(self, atom: Atom) -> None:
        if not isinstance(atom, Atom):
            raise TypeError(
                f"VariablePeriodic(atom) must be an Atom, such as Gabor(); got {atom!r}."
            )
        self.base: Mapping[str, float] = {}
        super().__init__()
        self.atom = atom
        self.base = atom.base
        self.start = atom.start
        self.scale_parameters = atom.scale_parameters
        self.smoothness = min(1.0, atom.smoothness)
        self.is_complex = atom.is_complex
        inner = atom.name
        self.name = (
            inner.replace("sinusoid", "finer")
            if inner.startswith("sinusoid")
            else f"variable_periodic({inner})"
        )

    def forward(self, z: Tensor) -> Tensor:
        warped: Tensor = self.atom((z.abs() + 1) * z)
        return warped

    def sweep(self, t: Tensor, spare: Spare) -> tuple[Tensor, Pull]:
        if type(self.atom) is Sinusoid and (compiled := kernel("finer", t)):
            gain, shift = self.atom.folded
            values, slope, by_gain, by_shift = spare(), spare(), spare(), spare()
            compiled(t, gain, shift, values, slope, by_gain, by_shift)

            def pull(cotangent: Tensor) -> Tensor:
                dots = go_back(cotangent, slope, by_gain, by_shift)
                add_gradient(gain, dots[0])
                add_gradient(shift, dots[1])
                return cotangent

            return values, pull
        return self._sweep(t, spare)

    def _sweep(self, t: Tensor, spare: Spare) -> tuple[Tensor, Pull]:
        """Return the sweep around any atom."""
        gain, shift = self.atom.folded
        stretch = torch.abs(t, out=spare()).add_(1)
        warped = t.mul_(stretch)
        inner = spare().copy_(warped) if gain is None else torch.mul(warped, gain, out=spare())
        if shift is not None:
            inner.add_(shift)
        values, pull_inner = self.atom.sweep(inner, spare)

        def pull(cotangent: Tensor) -> Tensor:
            by_inner = pull_inner(cotangent)
            if shift is not None:
                add_gradient(shift, by_inner.sum())
            if gain is not None:
                add_gradient(gain, torch.dot(by_inner.ravel(), warped.ravel()))
                by_inner.mul_(gain)
            return by_inner.mul_(self._slope(stretch))

        return values, pull

    @torch.no_grad()
    def jet(self, t: Tensor, out: Sequence[Tensor], spare: Spare) -> None:
        if type(self.atom) is Sinusoid and (compiled := jet_kernel("finer", t, out)):
            return compiled(t, *self.atom.folded)
        if len(out) > 3:
            return super().jet(t, out, spare)
        gain, shift = self.atom.folded
        factor = 1.0 if gain is None else float(gain)
        stretch, bend = torch.abs(t, out=spare()).add_(1), torch.sign(t, out=spare())
        inner = t.mul_(stretch).mul_(factor)
        self.atom.jet(inner if shift is None else inner.add_(shift), out, spare)
        slope = stretch.mul_(2).sub_(1).mul_(factor)  # not `_slope`, which is training's
        if len(out) > 2:
            out[2].mul_(slope).mul_(slope).addcmul_(out[1], bend, value=2 * factor)
        if len(out) > 1:
            out[1].mul_(slope)

    def _slope(self, stretch: Tensor) -> Tensor:
        """Return the derivative of the warp from ``|x| + 1``, which it may write to."""
        return stretch.mul_(2).sub_(1)

    def evaluate(self, t: Tensor, spare: Spare) -> Tensor:
        gain, shift = self.atom.folded
        if type(self.atom) is Sinusoid and (compiled := kernel("finer", t)):
            compiled(t, gain, shift, values := spare(), None, None, None)
            return values
        warped = torch.abs(t, out=spare()).add_(1).mul_(t)
        if gain is not None:
            warped.mul_(gain)
        if shift is not None:
            warped.add_(shift)
        return self.atom.evaluate(warped, spare)

    def values(self) -> dict[str, float]:
        return self.atom.values()

    def hand_over(self, z: Tensor) -> Tensor:
        return self.atom.hand_over(z)

    def extra_repr(self) -> str:
        return ""

    def _scalar(self, name: str) -> Tensor:
        return self.atom._scalar(name)
