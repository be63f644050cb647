"""What an object is, as plain data, and digests of it: the same in another process, another day.

Pickles would not do: they also hold what an object remembers from its use, and no lambda.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from torch import Tensor, nn

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_EVERY_MODULES = frozenset(vars(nn.Module()))  # attributes


def digest(value: Any) -> str:
    """Return a short text that differs where the value differs."""
    return _hashed(json.dumps(described(value), sort_keys=True).encode())


def described(value: Any) -> Any:
    """Return `value` as plain data that JSON can hold.

    Arrays and tensors are digests of their bytes. Modules are their classes, attributes and
    parameters, functions their code and what it encloses, estimators their class and parameters;
    what is none of the known kinds is its representation. The code of classes does not count.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.generic():
            return described(value.item())
        case Tensor():
            return described(value.detach().cpu().numpy())
        case np.ndarray() if value.dtype == object:
            return described(value.tolist())
        case np.ndarray():
            kind = f"{value.dtype.str}{value.shape}"
            return kind + _hashed(np.ascontiguousarray(value).tobytes())
        case Mapping():
            return {str(key): described(held) for key, held in value.items()}
        case list() | tuple():
            return [described(entry) for entry in value]
        case set() | frozenset():
            return sorted((described(entry) for entry in value), key=json.dumps)
        case type():
            return f"{value.__module__}.{value.__qualname__}"
        case nn.Module():
            return _module(value)
        case _ if is_dataclass(value):
            held = {part.name: getattr(value, part.name) for part in fields(value)}
            return {"class": described(type(value)), **described(held)}
        case BaseEstimator():
            return {"class": described(type(value)), **described(value.get_params(deep=False))}
        case partial():
            return [described(part) for part in (value.func, value.args, value.keywords)]
        case FunctionType():
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
            enclosed = [described(held) for held in cells if not isinstance(held, FunctionType)]
            return [_code(value.__code__), described(value.__defaults__), enclosed]
        case MethodType():
            return [described(value.__func__), described(value.__self__)]
    return without_addresses(repr(value))


def without_addresses(text: str) -> str:
    """Return a representation without the places in memory that it tells of."""
    return _ADDRESS.sub("", text)


def _module(module: nn.Module) -> dict[str, Any]:
    parts = dict(module.named_modules())
    return {
        "classes": {name: described(type(part)) for name, part in parts.items()},
        "attributes": {
            name: {k: described(v) for k, v in vars(part).items() if k not in _EVERY_MODULES}
            for name, part in parts.items()
        },
        "state": described(module.state_dict()),
        "trained": [name for name, p in module.named_parameters() if p.requires_grad],
    }


def _code(code: CodeType) -> list[Any]:
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return [code.co_name, code.co_code.hex(), list(code.co_names), constants]


def _hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
