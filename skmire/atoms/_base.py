"""What an atom is: an elementwise function with a few scalar, trainable parameters."""

from __future__ import annotations

import copy
import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from skmire._module import PlainModule
from skmire.atoms._acceleration import kernel

#: The way back of a `sweep`: from the derivative by an atom's values to that by its inputs.
Pull = Callable[[Tensor], Tensor]
#: Returns a tensor to write to, like the inputs of a `sweep`.
Spare = Callable[[], Tensor]


class Atom(PlainModule, ABC):
    """Elementwise activation whose scalar parameters are shared by a layer and trained.

    A layer computes ``atom(W x + b)``. An atom says what it is called, which parameters it has
    and which of them stretch its input, so that a dictionary can start it at any scale.

    To write one of your own: declare `name` and `base`, take each parameter as a keyword that
    defaults to ``None``, hand them to ``super().__init__`` and compute `forward` with plain torch
    operations, right through the second derivative wherever it is smooth.

    Parameters
    ----------
    **start : float or None
        Where each parameter starts. ``None`` leaves that to the dictionary's ``init``; a number
        is kept whatever the dictionary and the layer.

    Attributes
    ----------
    name : str
        Name in a dictionary; parameters that were given are part of it.
    base : mapping of str to float
        The parameters of the atom and their values in the paper's base configuration.
    start : mapping of str to float
        The parameters that were given a value when the atom was made.
    scale_parameters : tuple of str
        The parameters that stretch the input; they grow with the bandwidth of the signal.
    image_scales : tuple of two float
        Scales known to work on images, in the first layer and in hidden ones, for coordinates
        in [-1, 1].
    matched_scales : tuple of two float
        What suits a signal of known bandwidth: the scale in the first layer for each radian per
        unit of the box, and in hidden layers the standard deviation of the inputs, scaled.
    matched_step_rate : float
        The `step_rate` that goes with matched scales.
    step_rate : float
        By how much the weights before this atom take larger steps than others, in hidden layers but
        the first. A dictionary and a search set it; it goes where the atom goes.
    smoothness : float
        How many continuous derivatives the atom has everywhere.
    is_complex : bool
        Whether `forward` returns complex values.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Atom
    >>> class Lorentzian(Atom):
    ...     name = "lorentzian"
    ...     base = {"scale": 1.0}
    ...     def __init__(self, *, scale=None):
    ...         super().__init__(scale=scale)
    ...     def forward(self, z):
    ...         return 1 / (1 + (self.scale * z) ** 2)
    >>> Lorentzian(scale=2.0)(torch.tensor([0.0, 0.5])).tolist()
    [1.0, 0.5]
    """

    name: str
    base: Mapping[str, float]
    start: Mapping[str, float]
    scale_parameters: tuple[str, ...] = ("scale",)
    image_scales: ClassVar[tuple[float, float]] = (30.0, 10.0)
    matched_scales: ClassVar[tuple[float, float]] = (1.0, 1.2)
    matched_step_rate: ClassVar[float] = 1.0
    step_rate: float = 1.0
    smoothness: float = math.inf
    is_complex: bool = False

    def __init_subclass__(cls) -> None:
        """Leave to autograd what a class, or one mixed in, overrides the formula of."""
        super().__init_subclass__()
        names = ("forward", "sweep", "folded", "formula", "jet", "evaluate")
        order = {name: _n_before(cls, name) for name in names}  # the nearest class comes first
        is_stale = {name for name in names if order["forward"] < order[name]}
        if order["sweep"] < order["evaluate"]:
            is_stale.add("evaluate")
        if "sweep" not in is_stale:
            is_stale.discard("folded")  # which that sweep may count on
        for name in is_stale:
            setattr(cls, name, getattr(Atom, name))

    def __init__(self, **start: float | None) -> None:
        super().__init__()
        self.start = {name: float(v) for name, v in start.items() if v is not None}
        for name, value in self.start.items():
            if name not in self.base:
                raise ValueError(
                    f"{type(self).__name__} has no parameter {name!r}; it has "
                    f"{', '.join(self.base) or 'none'}."
                )
            if not math.isfinite(value):
                raise ValueError(
                    f"{type(self).__name__}({name}=...) must be a finite number, got {value}."
                )
        for name, value in {**self.base, **self.start}.items():
            # float64 until a network casts it: a 0-d tensor never widens what it multiplies.
            scalar = torch.tensor(value, dtype=torch.float64)
            self.register_parameter(name, nn.Parameter(scalar))
        self._rename(self.start)

    @abstractmethod
    def forward(self, z: Tensor) -> Tensor:
        """Return the atom's values at `z`.

        Parameters
        ----------
        z : Tensor of any shape
            The layer's affine map, in float32 or float64; complex where the atom before it is.

        Returns
        -------
        values : Tensor
            Of the shape of `z`, element by element.
        """

    @property
    def folded(self) -> tuple[nn.Parameter | None, nn.Parameter | None]:
        """Gain and shift that stand before everything else in the formula, if there are such.

        Where there is a gain, ``forward(z)`` is a function of ``gain * z + shift``, and `sweep` is
        that function: whoever calls it takes both into the affine map before.
        """
        return None, None

    def formula(self, t: Tensor) -> Tensor:
        """Return what `forward` computes once gain and shift are applied, in plain operations.

        An atom that folds should say; `forward` must not call it, as both may be overridden.

        Parameters
        ----------
        t : Tensor
            Inputs, gain and shift applied if there are such.

        Returns
        -------
        values : Tensor
            Of the shape of `t`.
        """
        gain, shift = self.folded
        t = t if shift is None else t - shift
        values: Tensor = self(t if gain is None else t / gain)
        return values

    def sweep(self, t: Tensor, spare: Spare) -> tuple[Tensor, Pull]:
        """Return the values at `t`, and the way back, for training.

        This one goes through ``forward``, by autograd. An atom may have a faster one, for real
        `t`, which agrees with it up to rounding.

        Parameters
        ----------
        t : Tensor
            Inputs, gain and shift applied if there are such. May be written to.
        spare : callable
            Returns a tensor like `t` to write to, another one at each call. They are this sweep's
            until its way back has been gone: to use them again and again is faster than to
            allocate.

        Returns
        -------
        values : Tensor
            Of the shape of `t`. To be left as they are until the way back.
        pull : callable
            Takes the derivative of a scalar by the values, which it may write to, and returns that
            by `t`. Adds those by the other parameters to their ``grad``.
        """
        own = [p for p in self.parameters() if p.requires_grad]
        leaf = t.detach().requires_grad_(True)
        with torch.enable_grad():
            values = self.formula(leaf.clone())  # a copy, as a leaf must not be written to

        def pull(cotangent: Tensor) -> Tensor:
            by_t, *by_own = torch.autograd.grad(
                values, [leaf, *own], cotangent, materialize_grads=True
            )
            for parameter, slope in zip(own, by_own, strict=True):
                add_gradient(parameter, slope)
            return by_t

        return values.detach(), pull

    def evaluate(self, t: Tensor, spare: Spare) -> Tensor:
        """Return the values at `t` alone, for predictions.

        This one leaves the way back of `sweep` aside. An atom may have a faster one, which agrees
        with it up to rounding.

        Parameters
        ----------
        t : Tensor
            Inputs, gain and shift applied if there are such. May be written to.
        spare : callable
            As in `sweep`.

        Returns
        -------
        values : Tensor
            Of the shape of `t`, which it may be.
        """
        if type(self).sweep is not Atom.sweep:
            return self.sweep(t, spare)[0]
        return self.formula(t)

    def jet(self, t: Tensor, out: Sequence[Tensor], spare: Spare) -> None:
        """Write the values at `t`, and as many derivatives by `t` as there is room for.

        This one goes through `formula`, by autograd, to any order. An atom may have a faster one,
        for real `t`, which agrees with it up to rounding.

        Parameters
        ----------
        t : Tensor
            Inputs, gain and shift applied if there are such. May be written to.
        out : sequence of Tensor
            Where to write: the values to the first, the k-th derivative to number k. All like `t`,
            and none of them `t` itself.
        spare : callable
            As in `sweep`.
        """
        leaf = t.detach().clone().requires_grad_(True)
        with torch.enable_grad():
            found = self.formula(leaf.clone())
            for k, place in enumerate(out, start=1):
                place.copy_(found.detach())
                if k == len(out):
                    break
                if not found.requires_grad:  # as the slope of a ReLU
                    found = torch.zeros_like(leaf)
                    continue
                (found,) = torch.autograd.grad(
                    found.sum(), leaf, create_graph=k + 1 < len(out), materialize_grads=True
                )

    @property
    def stretch(self) -> float:
        """By how much it stretches its input now: its first scale parameter, 1 without any."""
        return self.values()[self.scale_parameters[0]] if self.scale_parameters else 1.0

    def at_scale(self, scale: float) -> dict[str, float]:
        """Return the parameters that give the base configuration the wanted `scale`.

        Parameters
        ----------
        scale : float
            Factor on the input.

        Returns
        -------
        parameters : dict of str to float
            A value for every name in `base`.
        """
        return {**self.base, **dict.fromkeys(self.scale_parameters, float(scale))}

    def fresh(self, parameters: Mapping[str, float]) -> Self:
        """Return a copy that starts at `parameters`, except for those the user fixed.

        Parameters
        ----------
        parameters : mapping of str to float
            A value for each of the atom's parameters.

        Returns
        -------
        atom : Atom
            With parameters of its own, none shared with this one.
        """
        atom = copy.deepcopy(self)
        with torch.no_grad():
            for name, value in {**parameters, **self.start}.items():
                atom._scalar(name).fill_(value)
        return atom

    def configured(self) -> Self:
        """Return a copy that is fixed to start where this atom's parameters are now.

        Returns
        -------
        atom : Atom
            Of the same name, whatever it starts from.
        """
        atom = copy.deepcopy(self)
        atom.start = self.values()
        return atom.requires_grad_(True)

    def values(self) -> dict[str, float]:
        """Return the present values of the parameters, as the formula sees them.

        Returns
        -------
        parameters : dict of str to float
            A number for every name in `base`.
        """
        return {name: float(self._scalar(name).detach()) for name in self.base}

    def hand_over(self, z: Tensor) -> Tensor:
        """Turn the complex affine map of this atom's output into a real atom's input.

        Parameters
        ----------
        z : Tensor
            Complex.

        Returns
        -------
        z : Tensor
            Real, its real part unless an atom says otherwise.
        """
        return z.real

    def extra_repr(self) -> str:
        """Return the parameters for torch's representation of a network.

        Returns
        -------
        parameters : str
            Names and values to four digits.
        """
        return ", ".join(f"{name}={value:.4g}" for name, value in self.values().items())

    def _scalar(self, name: str) -> Tensor:
        return self.get_parameter(name)

    def _rename(self, options: Mapping[str, Any]) -> None:
        """Make the options that differ from their defaults part of the name."""
        defaults = inspect.signature(type(self).__init__).parameters
        changed = [
            f"{name}={value!r}"
            for name, value in options.items()
            if name not in defaults or value != defaults[name].default
        ]
        if changed:
            name, _, given = self.name.removesuffix(")").partition("(")
            self.name = f"{name}({', '.join([given, *changed] if given else changed)})"


def _n_before(cls: type, name: str) -> int:
    """Return how many classes are asked for an attribute before the one that has it."""
    return next(i for i, kind in enumerate(cls.__mro__) if name in vars(kind))


def go_back(cotangent: Tensor, slope: Tensor, *by: Tensor) -> list[Tensor]:
    """Multiply `cotangent` by `slope`; return its dot products before that with one or two more."""
    if compiled := kernel("go_back", cotangent):
        dots = cotangent.new_empty(2)
        compiled(cotangent, slope, *by, *[None] * (2 - len(by)), dots)
        return list(dots[: len(by)])
    sums = [torch.dot(cotangent.ravel(), slopes.ravel()) for slopes in by]
    cotangent.mul_(slope)
    return sums


def add_gradient(parameter: nn.Parameter, slope: Tensor) -> None:
    """Add to the ``grad`` of a parameter, if it is trained."""
    if parameter.requires_grad:
        parameter.grad = slope if parameter.grad is None else parameter.grad + slope


def fold_into_unit(x: Tensor) -> Tensor:
    """Reflect `x` at 0 and 1 until it lies in [0, 1].

    Unlike clamping, a parameter that a step carried past the end keeps a gradient and can return.
    """
    rest = torch.remainder(x, 2)
    return torch.where(rest <= 1, rest, 2 - rest)
