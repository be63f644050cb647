"""What the documentation owes to every public object: a whole docstring, and a place in the API."""

import doctest
import inspect
import pkgutil
import re
import tomllib
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest
from numpydoc.validate import get_validation_checks, validate

import skmire

ROOT = Path(__file__).parents[1]
MEMBERS = (FunctionType, property, classmethod, staticmethod)
SPEAKS = {"skmire.cli"}  # its interface is the command line, described by --help
MODULES = ["skmire"] + [
    f"skmire.{module.name}"
    for module in pkgutil.iter_modules(skmire.__path__)
    if not module.name.startswith("_") and f"skmire.{module.name}" not in SPEAKS
]


def public():
    """Return every public object by the first of its paths; the shortest comes first."""
    found = {}
    for module in map(import_module, MODULES):
        for name in getattr(module, "__all__", ()):  # without one, a test below fails
            found.setdefault(id(getattr(module, name)), f"{module.__name__}.{name}")
    return list(found.values())


def load(path):
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def documented():
    """Return the public classes and functions; constants and type aliases have no docstring."""
    return [p for p in public() if inspect.isclass(load(p)) or inspect.isfunction(load(p))]


def members():
    """Return the public methods and properties that skmire writes.

    Inherited ones count as well, at the class that defines them; scikit-learn's and torch's do not.
    An override that says nothing says what its base says.
    """
    kinds = {k for kind in filter(inspect.isclass, map(load, documented())) for k in kind.__mro__}
    return sorted(
        f"{kind.__module__}.{kind.__qualname__}.{name}"
        for kind in kinds
        if kind.__module__.partition(".")[0] == "skmire"
        for name, member in vars(kind).items()
        if not name.startswith("_") and isinstance(member, MEMBERS)
        if member.__doc__ or not overrides(kind, name)
    )


def overrides(kind, name):
    """Return whether a base class, which is held to its own docstring, has this member too."""
    return any(name in vars(b) for b in kind.__mro__[1:] if b.__module__.startswith("skmire."))


def faults(path):
    """Return what numpydoc finds wrong, among the checks that pyproject.toml asks for."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    checks = get_validation_checks(set(settings["numpydoc_validation"]["checks"]))
    return [f"{code}: {told}" for code, told in validate(path)["errors"] if code in checks]


def test_every_public_module_says_what_is_public():
    assert {"skmire", "skmire.atoms", "skmire.encoders", "skmire.search"} <= set(MODULES)
    assert [name for name in MODULES if not hasattr(import_module(name), "__all__")] == []


@pytest.mark.parametrize("path", documented())
def test_docstrings_of_classes_and_functions_are_whole(path):
    assert faults(path) == []


@pytest.mark.parametrize("path", members())
def test_docstrings_of_methods_and_properties_are_whole(path):
    # Their examples may stand with the class.
    assert [fault for fault in faults(path) if not fault.startswith("EX01")] == []


@pytest.mark.parametrize("path", documented())
def test_examples_show_what_comes_out(path):
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(load(path)))
    assert any(example.want for example in examples)


def in_reference():
    """Return what ``docs/api.rst`` lists, by full path."""
    module, listed = None, []
    for line in (ROOT / "docs" / "api.rst").read_text().splitlines():
        if line.startswith(".. currentmodule::"):
            module = line.split()[-1]
        elif entry := re.fullmatch(r"(?:   |\.\. data:: )(\w+)", line):
            listed.append(f"{module}.{entry[1]}")
    return listed


def test_the_reference_lists_every_public_object_once():
    listed = in_reference()
    assert [path for path in public() if path not in listed] == []
    assert [path for path in listed if path not in public() or listed.count(path) > 1] == []
