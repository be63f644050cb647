"""What is said of an encoder's parameters that are none, or none of its kind."""

from __future__ import annotations

from inspect import signature
from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError

from skmire.atoms import Atom
from skmire.encoders._collaborators import DEFAULTS, public_names

#: By parameter, what may be given.
_AS_IN = {
    "dictionary": 'dictionary=["gaussian", "sinc"]',
    "search": 'search=FixedSequence("gaussian")',
    "trainer": "trainer=Trainer(learning_rate=1e-3)",
    "network": "network=Architecture()",
    "measurement": "measurement=GradientValues()",
}


class ParametersMixin(BaseEstimator):
    """Refusals of parameters, in public names and with a cure."""

    def __new__(cls, *args: Any, **params: Any) -> Self:
        """Refuse what the constructor does not take by the name of the class."""
        if args or params:
            try:
                signature(cls.__init__).bind(None, *args, **params)
            except TypeError as error:
                told = f"{cls.__name__}() {error}."
                raise TypeError(told + _owners(cls, params)) from None
        new: Self = super().__new__(cls)
        return new

    def _validate_params(self) -> None:
        with public_names():
            try:
                super()._validate_params()
            except InvalidParameterError as error:
                name = str(error).split("'")[1]
                cure = _cure(name, getattr(self, name))
                raise InvalidParameterError(f"{error}{cure}") from None


def _owners(cls: type[BaseEstimator], params: dict[str, Any]) -> str:
    """Return whose parameters those are that an encoder of this class has not got."""
    told = ""
    for name in sorted(params.keys() - cls._get_param_names()):
        for owner, kind in DEFAULTS.items():
            if name in kind._get_param_names():
                given = f"{owner}={kind.__name__}({name}={params[name]!r})"
                told += f" {name} is a parameter of the {owner}: {cls.__name__}({given})."
    return told


def _cure(name: str, value: Any) -> str:
    """Return a sentence on what to give instead of a value that is of no use as a parameter."""
    if name not in _AS_IN:
        return ""
    if isinstance(value, type):
        return f" Pass an object, not its class: {name}={value.__name__}()."
    if name == "dictionary" and isinstance(value, str | Atom):
        return f" Pass a list: dictionary=[{value!r}]."
    if name == "search" and isinstance(value, list | tuple) and value:
        return f" For one sequence, pass search=FixedSequence({value!r})."
    return f" Pass one, as in {_AS_IN[name]}."
