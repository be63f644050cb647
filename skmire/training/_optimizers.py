"""The update rules by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim import Optimizer

from skmire._optional import require
from skmire.networks import Field
from skmire.training._shares import Group, groups_of


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
    hidden_apart : bool, default=False
        Whether it treats the matrices between hidden layers by themselves.
    """

    make: Callable[[list[Group], Mapping[str, Any]], Optimizer]
    full_batch: bool = False
    takes_complex: bool = True
    hidden_apart: bool = False


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
    if unknown := set(options) - set(inspect.signature(library.Muon).parameters):
        raise TypeError(f"Muon has no option {sorted(unknown)[0]!r}.")
    plain = {"use_muon": False, "weight_decay": 0.0, "betas": (0.9, 0.999)}
    # An orthogonal step is not one of a size for each weight, so it needs no share.
    ours = {"use_muon": True, "weight_decay": 0.0, "share": 1.0, **options}
    optimizer: Optimizer = library.Muon(
        [{**group, **(ours if group["hidden"] else plain)} for group in groups]
    )
    return optimizer


#: By name.
OPTIMIZERS: dict[str, UpdateRule] = {
    "adam": _fused(torch.optim.Adam),
    "adamw": _fused(torch.optim.AdamW, weight_decay=0.0),
    "lbfgs": UpdateRule(_lbfgs, full_batch=True),
    "muon": UpdateRule(_muon, takes_complex=False, hidden_apart=True),
    "soap": UpdateRule(_soap, takes_complex=False),
}


def make_optimizer(
    rule: str | Callable[..., Optimizer],
    options: Mapping[str, Any],
    field: Field,
    learning_rate: float,
) -> Optimizer:
    """Return an optimiser of the trained parameters of `field`.

    The parameter groups of rules by name have a `share`, by which the learning rate is to be
    multiplied.

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
        If a callable makes something else, or does not take the options.
    ValueError
        If the rule is for real weights, and `field` has complex ones; or the options set what is
        the trainer's.
    """
    if "lr" in options:
        raise ValueError(
            "Trainer(optimizer_options=...) must not hold 'lr': it is the trainer's learning_rate."
        )
    if not isinstance(rule, str):
        return _by_class(rule, options, field, learning_rate)
    named = OPTIMIZERS[rule]
    if not named.takes_complex and any(p.is_complex() for p in field.parameters()):
        raise ValueError(
            f'Trainer(optimizer="{rule}") needs real weights, and a network with a complex atom '
            "has complex ones. Take a real atom, such as Gabor in place of ComplexGabor, or "
            'optimizer="adam".'
        )
    groups = groups_of(field, learning_rate, hidden_apart=named.hidden_apart)
    return named.make(groups, options)


def _by_class(
    rule: Callable[..., Optimizer], options: Mapping[str, Any], field: Field, learning_rate: float
) -> Optimizer:
    if rule is torch.optim.LBFGS:
        raise ValueError(
            "Trainer(optimizer=torch.optim.LBFGS) would see a part of the samples in each step; "
            'optimizer="lbfgs" gives it all of them.'
        )
    parameters = [p for p in field.parameters() if p.requires_grad]
    optimizer = rule(parameters, lr=learning_rate, **options)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"Trainer(optimizer=...) must be a name or a class of torch.optim's kind; {rule!r} "
            f"made a {type(optimizer).__name__}."
        )
    return optimizer
