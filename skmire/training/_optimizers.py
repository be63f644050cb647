"""The update rules by name, and the step sizes of a network's parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from skmire._optional import require
from skmire.networks import Field, LayerStack

#: Parameters and their share of the learning rate.
Group = dict[str, Any]

_TURN = 1 / 3  # radians


@dataclass(frozen=True)
class UpdateRule:
    """An update rule that goes by a name.

    Parameters
    ----------
    make : callable
        From groups of parameters and further options to an optimiser.
    full_batch : bool, default=False
        Whether a step needs all samples.
    takes_complex : bool, default=True
        Whether weights may be complex.
    """

    make: Callable[[list[Group], Mapping[str, Any]], Optimizer]
    full_batch: bool = False
    takes_complex: bool = True


def _fused(rule: type[Optimizer], **defaults: Any) -> UpdateRule:
    """Return a rule that goes over the parameters once a step: not where they are complex."""

    def make(groups: list[Group], options: Mapping[str, Any]) -> Optimizer:
        fused = not any(p.is_complex() for group in groups for p in group["params"])
        return rule(groups, **{"fused": fused, **defaults, **options})

    return UpdateRule(make)


def _lbfgs(groups: list[Group], options: Mapping[str, Any]) -> Optimizer:
    settings = {"max_iter": 1, "max_eval": 25, "line_search_fn": "strong_wolfe", **options}
    return torch.optim.LBFGS([p for group in groups for p in group["params"]], **settings)


def _soap(groups: list[Group], options: Mapping[str, Any]) -> Optimizer:
    library = require("pytorch_optimizer", extra="optim", purpose='Trainer(optimizer="soap")')
    optimizer: Optimizer = library.SOAP(groups, **{"weight_decay": 0.0, **options})
    return optimizer


def _muon(groups: list[Group], options: Mapping[str, Any]) -> Optimizer:
    """Return Muon for the matrices between hidden layers, and Adam for all else."""
    library = require("pytorch_optimizer", extra="optim", purpose='Trainer(optimizer="muon")')
    *first, last = [p for group in groups for p in group["params"] if p.ndim == 2]
    split = []
    for group in groups:
        hidden = [p for p in group["params"] if p.ndim == 2 and p is not last and p is not first[0]]
        rest = [p for p in group["params"] if not any(p is h for h in hidden)]
        for params, is_hidden in ((hidden, True), (rest, False)):
            by_rule = options if is_hidden else {"betas": (0.9, 0.999)}
            settings = {"use_muon": is_hidden, "weight_decay": 0.0, **by_rule}
            split.append({**group, **settings, "params": params})
    optimizer: Optimizer = library.Muon([group for group in split if group["params"]])
    return optimizer


#: By name.
OPTIMIZERS: dict[str, UpdateRule] = {
    "adam": _fused(torch.optim.Adam),
    "adamw": _fused(torch.optim.AdamW, weight_decay=0.0),
    "lbfgs": UpdateRule(_lbfgs, full_batch=True),
    "muon": UpdateRule(_muon, takes_complex=False),
    "soap": UpdateRule(_soap, takes_complex=False),
}


def make_optimizer(
    rule: str | Callable[..., Optimizer],
    options: Mapping[str, Any],
    field: Field,
    learning_rate: float,
) -> Optimizer:
    """Return an optimiser of the trained parameters of `field`.

    Its parameter groups have a `share`, by which the learning rate is to be multiplied.

    Parameters
    ----------
    rule : str or callable
        One of `OPTIMIZERS`, or a class of torch's kind.
    options : dict
        Further arguments.
    field : Field
    learning_rate : float
        At the start.

    Raises
    ------
    TypeError
        If a callable makes something else.
    ValueError
        If the rule is for real weights, and `field` has complex ones.
    """
    groups = _groups(field, learning_rate)
    if not isinstance(rule, str):
        optimizer = rule(groups, **options)
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"Trainer(optimizer=...) must be a name or a class of torch.optim's kind; "
                f"{rule!r} made a {type(optimizer).__name__}."
            )
        return optimizer
    if not OPTIMIZERS[rule].takes_complex and any(p.is_complex() for p in field.parameters()):
        raise ValueError(
            f'Trainer(optimizer="{rule}") needs real weights, and a network with a complex atom '
            "has complex ones. Take a real atom, such as Gabor in place of ComplexGabor, or "
            'optimizer="adam".'
        )
    return OPTIMIZERS[rule].make(groups, options)


def _groups(field: Field, learning_rate: float) -> list[Group]:
    """Return the trained parameters, together where they have the same share of the rate.

    Rules like Adam's change every weight by up to the learning rate. Behind them the atom stretches
    the sum over a unit's inputs, and where it is a wave, a change of some radians is a change at
    random. So weights before an atom of large scale get a smaller rate, which turns a unit by no
    more than `_TURN`, its inputs' changes added up as if independent.
    """
    shares: dict[nn.Parameter, float] = {}
    if isinstance(field, LayerStack):
        for affine, scale in zip(field.affines, field.scales, strict=False):
            inputs = affine.get_parameter("weight").shape[1] + 1  # with the bias
            turn = learning_rate * abs(scale) * float(inputs) ** 0.5
            shares.update(dict.fromkeys(affine.parameters(), min(1.0, _TURN / max(turn, 1e-30))))
    by_share: dict[float, list[nn.Parameter]] = {}
    for p in field.parameters():
        if p.requires_grad:
            by_share.setdefault(shares.get(p, 1.0), []).append(p)
    return [{"params": params, "share": share} for share, params in by_share.items()]
