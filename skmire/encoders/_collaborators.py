"""The encoder's collaborators: given or by default, cloned, and fixed once there is a fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import InvalidParameterError

from skmire._digest import described
from skmire.atoms import ActivationDictionary
from skmire.measurements import Measurement, PointValues
from skmire.networks import Architecture, BaseArchitecture
from skmire.search import BaseLayerSearch, LayerSearch
from skmire.training import Trainer

#: By the names of the encoder's parameters.
DEFAULTS: dict[str, type[BaseEstimator]] = {
    "dictionary": ActivationDictionary,
    "search": LayerSearch,
    "trainer": Trainer,
    "network": Architecture,
    "measurement": PointValues,
}

#: Theirs, too.
_HELD: dict[str, type[BaseEstimator]] = {
    **DEFAULTS,
    "layer_search": LayerSearch,
    "trunk": Architecture,
}

_OWN = ("hidden_width", "dtype", "coordinate_scaling", "loss")  # that a fitted network is bound to

Collaborators = tuple[ActivationDictionary, BaseLayerSearch, Trainer, BaseArchitecture, Measurement]


def collaborators(
    encoder: BaseEstimator,
    *,
    network: BaseArchitecture | None = None,
    measurement: Measurement | None = None,
) -> Collaborators:
    """Return the collaborators for a fit: clones of those given, defaults for None.

    Two of the defaults may be others than those of `MIREncoder`.

    Raises
    ------
    ValueError
        If one of them is not in order.
    """
    given = encoder.get_params(deep=False)
    atoms = given["dictionary"]
    dictionary = (
        clone(atoms)
        if isinstance(atoms, ActivationDictionary)
        else ActivationDictionary(None if atoms is None else deepcopy(list(atoms)))
    )
    dictionary.resolve()
    dictionary.check_init()
    search = LayerSearch() if given["search"] is None else clone(given["search"])
    trainer = Trainer() if given["trainer"] is None else clone(given["trainer"])
    measurement = clone(given.get("measurement") or measurement or PointValues())
    architecture = clone(given["network"] or network or Architecture())
    with public_names():
        for component in (search, trainer, measurement):
            component._validate_params()
        architecture.check()
    return dictionary, search, trainer, architecture, measurement


@contextmanager
def public_names() -> Iterator[None]:
    """Name classes as they are imported, not by the private modules that they are written in."""
    try:
        yield
    except InvalidParameterError as error:
        rule, got, rest = str(error).partition(" Got ")
        rule = re.sub(r"(?<='skmire)[.\w]*", _without_private, rule)
        raise InvalidParameterError(f"{rule}{got}{rest}") from None


def _without_private(path: re.Match[str]) -> str:
    return re.sub(r"\._\w+", "", path[0])


def settled_parameters(encoder: BaseEstimator, collaborators: Collaborators) -> dict[str, Any]:
    """Return what a fitted network cannot change, by what it is called."""
    dictionary, search, _, architecture, measurement = collaborators
    given = encoder.get_params(deep=False)
    return {
        **{name: given[name] for name in _OWN if name in given},
        "the dictionary": (dictionary.names, dictionary.init),
        "network": described(architecture),
        "measurement": described(measurement),
        **search.settled,
    }


def refuse_changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to train a network further that would have to be another one."""
    for name, value in now.items():
        before = was.get(name)  # which those saved before may not have
        if value != before:
            raise ValueError(
                f"The fitted network is trained further, so {name} cannot change: it was "
                f"{before!r} and is now {value!r}. Change it back, or fit a clone of the "
                "encoder."
            )


def refuse_orphans(holder: BaseEstimator, params: Mapping[str, Any]) -> None:
    """Refuse nested parameters, as in ``search__n_layers``, that no given object holds."""
    own = holder.get_params(deep=False)
    for name in params:
        owner, _, nested = name.partition("__")
        held = params.get(owner, own.get(owner))
        if not nested or owner not in own:
            continue
        if isinstance(held, BaseEstimator):
            its = (n for n in params if n.startswith(f"{owner}__"))
            refuse_orphans(held, {n.removeprefix(f"{owner}__"): params[n] for n in its})
            continue
        if owner not in _HELD:
            raise ValueError(f"{name} cannot be set: {owner} has no parameters of its own.")
        listed = repr(held) if isinstance(held, list | tuple) else ""
        usual = getattr(holder, "_own_defaults", {}).get(owner)
        given = f"{_HELD[owner].__name__}({listed})" if usual is None else repr(usual)
        raise ValueError(
            f"{name} cannot be set while {owner}={held!r}: there is no object yet to hold it. Give "
            f"one, as in {type(holder).__name__}({owner}={given})."
        )
