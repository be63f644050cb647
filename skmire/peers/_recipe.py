"""What the peers have in common: one atom in all layers, its parameters kept, and plain Adam."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from skmire.atoms import ActivationDictionary, Atom
from skmire.encoders import MIREncoder
from skmire.networks import BaseArchitecture
from skmire.search import FixedSequence
from skmire.training import Trainer


def encoder(
    atoms: list[Atom],
    network: BaseArchitecture,
    options: Mapping[str, Any],
    *,
    learning_rate: float,
    decay: float = 0.1,
    batch_size: int | str = "all",
    hidden_width: int,
    max_epochs: int,
) -> MIREncoder:
    """Return the encoder of a published network; `options` take the place of what it is given.

    Adam goes by its class, as by its name the steps before large scales would be smaller.
    """
    recipe = {
        "dictionary": ActivationDictionary(init="unit"),  # matched, it would stretch the weights
        "search": FixedSequence(atoms, train_atoms=False),
        "trainer": Trainer(
            torch.optim.Adam,
            learning_rate,
            decay=decay,
            cooldown=0.0,
            average=False,
            polish=False,
            batch_size=batch_size,
        ),
        "network": network,
        "hidden_width": hidden_width,
        "max_epochs": max_epochs,
    }
    return MIREncoder(**{**recipe, **options})


def check_layers(n_layers: int, **scales: float) -> None:
    """Say that there must be a whole number of layers, and that their scales are above 0.

    Raises
    ------
    ValueError
        If it is otherwise.
    """
    if np.asarray(n_layers).dtype.kind not in "iu" or n_layers < 1:
        raise ValueError(f"n_layers must be a whole number of at least 1, got {n_layers!r}.")
    for name, scale in scales.items():
        if not 0 < scale < np.inf:
            raise ValueError(
                f"{name} must be a finite number above 0, got {scale!r}: layers that do not vary "
                "learn nothing."
            )


def refuse_complex(atoms: Iterable[Atom], *, by: BaseArchitecture) -> None:
    """Say that an architecture takes real atoms only.

    Raises
    ------
    ValueError
        If one is complex.
    """
    for atom in atoms:
        if atom.is_complex:
            raise ValueError(
                f"{type(by).__name__} takes real atoms, and {atom.name} is complex. Take a real "
                "one, such as sinusoid."
            )
