"""The checkpoint of a fit: what it is of, its seed, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from skmire._logging import counted, logger
from skmire.encoders._collaborators import DEFAULTS, Collaborators
from skmire.search._checkpoint import Checkpoint

# What has a part in the result. A start may have another time limit, device or number of workers.
_PARAMETERS = ("hidden_width", "max_epochs", "coordinate_scaling", "dtype")
_SEED = "the seed drawn from random_state"


def opened_checkpoint(
    encoder: BaseEstimator, given: Collaborators, data: Mapping[str, Any]
) -> tuple[Checkpoint | None, int]:
    """Return the encoder's checkpoint, None without one, and the seed of the fit.

    Without a `random_state` a fit that goes on has the seed it began with.
    """
    params = encoder.get_params(deep=False)
    seed = int(check_random_state(params["random_state"]).randint(np.iinfo(np.int32).max))
    if params["checkpoint"] is None:
        return None, seed
    fit = {**data, _SEED: seed, **{name: params[name] for name in _PARAMETERS}}
    components: tuple[BaseEstimator, ...] = given
    for owner, component in zip(DEFAULTS, components, strict=True):
        fit[owner] = type(component)
        nested = component.get_params(deep=False)
        fit |= {f"{owner}__{name}": value for name, value in nested.items()}
    fit["dictionary__atoms"] = list(given[0])  # as they are called without being given, too
    free = (_SEED,) if params["random_state"] is None else ()
    checkpoint = Checkpoint.opened(params["checkpoint"], fit, free=free)
    return checkpoint, checkpoint.fit[_SEED]


@contextmanager
def told(checkpoint: Checkpoint | None, verbose: int) -> Iterator[None]:
    """Log, if `verbose`, how many candidates a checkpoint holds before the block and after it."""
    if checkpoint is None or not verbose:
        yield
        return
    before = checkpoint.n_candidates
    logger.info(
        "checkpoint %s: %s finished before", checkpoint.folder, counted(before, "candidate")
    )
    yield
    new = checkpoint.n_candidates - before
    logger.info("checkpoint %s: %s added", checkpoint.folder, counted(new, "candidate"))
