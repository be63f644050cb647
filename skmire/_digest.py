"""What an object is, as plain data, and digests of it: the same in another process, another day.

Pickles would not do: they also hold what an object remembers from its use, and no lambda.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cached_property, partial
from numbers import Number
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from torch import Tensor, nn

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_EVERY_MODULES = frozenset(vars(nn.Module()))  # attributes
_MACHINERY = ("torch", "numba", "logging", "threading")  # attributes there tell of the use so far


def digest(value: Any) -> str:
    """Return a short text that differs where the value differs."""
    return _hashed(json.dumps(described(value), sort_keys=True).encode())


def described(value: Any) -> Any:
    """Return `value` as plain data that JSON can hold.

    Arrays and tensors are digests of their bytes. Modules are their classes, attributes and
    parameters, estimators their class and parameters. Functions are their code, the defaults of
    their arguments, what they enclose, and the numbers and texts among the globals they read. What
    is none of the known kinds is its class and attributes, or its representation if it has none.
    The code of classes does not count, nor do functions that another one calls by a global name.
    """
    return _described(value, ())


def _described(value: Any, above: tuple[int, ...]) -> Any:
    """Return `value` as plain data; `above` are the identities of those that hold it."""
    if isinstance(value, None | bool | int | float | str):
        return value
    if id(value) in above:
        return f"{len(above) - above.index(id(value))} levels up"
    tell = partial(_described, above=(*above, id(value)))
    match value:
        case np.generic():
            return tell(value.item())
        case Tensor():
            return tell(value.detach().cpu().numpy())
        case np.ndarray() if value.dtype == object:
            return tell(value.tolist())
        case np.ndarray():
            kind = f"{value.dtype.str}{value.shape}"
            return kind + _hashed(np.ascontiguousarray(value).tobytes())
        case Mapping():
            return {str(key): tell(held) for key, held in value.items()}
        case list() | tuple():
            return [tell(entry) for entry in value]
        case set() | frozenset():
            return sorted((tell(entry) for entry in value), key=json.dumps)
        case type():
            return f"{value.__module__}.{value.__qualname__}"
        case ModuleType():
            return value.__name__
        case nn.Module():
            return _module(value, tell)
        case _ if is_dataclass(value):
            held = {part.name: getattr(value, part.name) for part in fields(value)}
            return {"class": tell(type(value)), **tell(held)}
        case BaseEstimator():
            return {"class": tell(type(value)), **tell(value.get_params(deep=False))}
        case partial():
            return [tell(part) for part in (value.func, value.args, value.keywords)]
        case FunctionType():
            return _function(value, tell)
        case MethodType():
            return [tell(value.__func__), tell(value.__self__)]
    its = type(value)
    own = {
        name: held
        for name, held in getattr(value, "__dict__", {}).items()
        if not isinstance(getattr(its, name, None), cached_property)
    }
    if not own or its.__module__.partition(".")[0] in _MACHINERY:
        return without_addresses(repr(value))
    return {"class": tell(its), **tell(own)}


def without_addresses(text: str) -> str:
    """Return a representation without the places in memory that it tells of."""
    return _ADDRESS.sub("", text)


def _module(module: nn.Module, tell: Callable[[Any], Any]) -> dict[str, Any]:
    parts = dict(module.named_modules())
    return {
        "classes": {name: tell(type(part)) for name, part in parts.items()},
        "attributes": {
            name: {k: tell(v) for k, v in vars(part).items() if k not in _EVERY_MODULES}
            for name, part in parts.items()
        },
        "state": tell(module.state_dict()),
        "trained": [name for name, p in module.named_parameters() if p.requires_grad],
    }


def _function(function: FunctionType, tell: Callable[[Any], Any]) -> list[Any]:
    enclosed = [cell.cell_contents for cell in function.__closure__ or () if not _is_empty(cell)]
    read = {
        name: held
        for name in _names(function.__code__)
        if isinstance(held := function.__globals__.get(name), Number | str)
        and not name.startswith("__")  # of the module, as the path of its file
    }
    given = [function.__defaults__, function.__kwdefaults__]
    return [_code(function.__code__), *map(tell, given), tell(enclosed), tell(read)]


def _is_empty(cell: CellType) -> bool:
    """Return whether what is enclosed has no value yet."""
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return True
    return False


def _names(code: CodeType) -> set[str]:
    """Return the names that a function looks up, and those that functions inside it do."""
    inner = [_names(part) for part in code.co_consts if isinstance(part, CodeType)]
    return set(code.co_names).union(*inner)


def _code(code: CodeType) -> list[Any]:
    constants = [_code(c) if isinstance(c, CodeType) else _constant(c) for c in code.co_consts]
    return [code.co_name, code.co_code.hex(), list(code.co_names), constants]


def _constant(constant: Any) -> Any:
    """Return a constant of a function, the elements of a set in an order of their own."""
    return sorted(map(repr, constant)) if isinstance(constant, frozenset) else repr(constant)


def _hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
