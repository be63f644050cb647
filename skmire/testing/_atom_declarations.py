"""What an atom says of itself: name, parameters, scales, copies."""

from __future__ import annotations

import inspect
import re

from skmire.atoms import Atom
from skmire.atoms._dictionary import REGISTRY
from skmire.testing._promise import expect, promise


@promise(
    "An atom's trainable parameters are the scalars that `base` names, and they start at the "
    "values given to it or else at those of `base`.",
    "Name every parameter in `base` and hand each to super().__init__(); register no other.",
)
def check_parameters_are_those_declared(atom: Atom) -> None:
    registered = {name.rpartition(".")[2]: p for name, p in atom.named_parameters()}
    declared = list(atom.base)
    expect(
        sorted(registered) == sorted(declared),
        f"it has the parameters {sorted(registered)} and declares {sorted(declared)}",
    )
    for name, p in registered.items():
        expect(p.shape == () and p.is_floating_point(), f"{name} is {p.dtype} of {tuple(p.shape)}")
        expect(p.requires_grad, f"{name} is not trained")
    foreign = {*atom.start, *atom.scale_parameters} - set(declared)
    expect(not foreign, f"`start` or `scale_parameters` name {sorted(foreign)}, not in `base`")
    wanted = {**atom.base, **atom.start}
    expect(atom.values() == wanted, f"it starts at {atom.values()} and not at {wanted}")


@promise(
    "Each parameter of an atom is a keyword of its constructor that defaults to None.",
    "Write `def __init__(self, *, scale=None): super().__init__(scale=scale)`: None leaves the "
    "start to the dictionary, a number is kept.",
)
def check_parameters_are_keywords(atom: Atom) -> None:
    make = type(atom)
    signature = inspect.signature(make).parameters
    own = [name for name, _ in atom.named_parameters(recurse=False) if name in atom.base]
    for name in own:
        expect(name in signature, f"its constructor takes no {name}")
        keyword = signature[name]
        expect(
            keyword.kind in (keyword.KEYWORD_ONLY, keyword.POSITIONAL_OR_KEYWORD)
            and keyword.default is None,
            f"its constructor takes {keyword}",
        )
    needed = [p for p in signature.values() if p.default is p.empty and p.kind <= p.KEYWORD_ONLY]
    for name in own if not needed else ():
        value = float(atom.base[name])
        given = make(**{name: value}).start
        expect(given == {name: value}, f"made with {name}={value}, it notes {dict(given)}")


@promise(
    "An atom has a name of its own, a Python identifier, which shows the values given to it.",
    "Set the class attribute `name`, as in name = \"lorentzian\"; what Atom.__init__ was given "
    "is then added in brackets.",
)  # fmt: skip
def check_name(atom: Atom) -> None:
    head, bracket, rest = atom.name.partition("(")
    expect(
        head.isidentifier() and (not bracket or re.fullmatch(r".+\)", rest) is not None),
        f"it is called {atom.name!r}",
    )
    if head in REGISTRY:
        owner = type(REGISTRY[head]())
        expect(isinstance(atom, owner), f"it is called {atom.name!r}, which is skmire's {owner}")
    for name, keyword in inspect.signature(type(atom)).parameters.items():
        value = atom.start.get(name, keyword.default)
        expect(
            value == keyword.default or f"{name}=" in rest, f"{atom.name!r} hides {name}={value}"
        )


@promise(
    "fresh() and configured() return copies that share nothing with the atom: fresh starts at "
    "the parameters handed to it, except for those given to the constructor, and configured is "
    "fixed to start where the atom is now.",
    "Leave both to Atom; an atom with state that copy.deepcopy does not copy needs __deepcopy__.",
)
def check_copies(atom: Atom) -> None:
    before = atom.values()
    wanted = {name: 0.5 + 0.01 * k for k, name in enumerate(atom.base)}
    fresh = atom.fresh(wanted)
    expect(type(fresh) is type(atom) and fresh is not atom, f"fresh returned {fresh!r}")
    expect(fresh.name == atom.name, f"the fresh copy of {atom.name!r} is called {fresh.name!r}")
    expected = {**wanted, **atom.start}
    expect(fresh.values() == expected, f"fresh({wanted}) starts at {fresh.values()}")
    fixed = fresh.configured()
    expect(
        fixed.name == atom.name and dict(fixed.start) == fixed.values() == expected,
        f"configured at {expected}, it is {fixed.name!r} and starts at {dict(fixed.start)}",
    )
    expect(all(p.requires_grad for p in fixed.parameters()), "the configured copy is not trained")
    expect(atom.values() == before, "copying changed the atom")
    shared = {p.data_ptr() for p in atom.parameters()} & {p.data_ptr() for p in fresh.parameters()}
    expect(not shared, "a copy shares its parameters with the atom")


CHECKS = (
    check_parameters_are_those_declared,
    check_parameters_are_keywords,
    check_name,
    check_copies,
)
