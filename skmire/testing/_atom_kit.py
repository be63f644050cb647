"""The conformance kit of atoms."""

from __future__ import annotations

from collections.abc import Callable

from skmire.atoms import Atom, AtomLike, make_atom
from skmire.testing import _atom_declarations, _atom_derivatives, _atom_use, _atom_values


def atom_checks() -> tuple[Callable[[Atom], None], ...]:
    """Return the single checks of `check_atom`, for a test run to list them one by one.

    Returns
    -------
    checks : tuple of callable
        Each takes an Atom, raises AssertionError if the promise it is named after is broken,
        and leaves the atom as it was.

    Examples
    --------
    >>> from skmire.testing import atom_checks
    >>> atom_checks()[0].__name__
    'check_parameters_are_those_declared'

    In a file of tests::

        @pytest.mark.parametrize("check", atom_checks(), ids=lambda check: check.__name__)
        def test_lorentzian(check):
            check(Lorentzian())
    """
    return (
        *_atom_declarations.CHECKS,
        *_atom_values.CHECKS,
        *_atom_derivatives.CHECKS,
        *_atom_use.CHECKS,
    )


def check_atom(atom: AtomLike) -> None:
    """Hold an atom to everything that skmire's own atoms promise.

    It takes a second or two. The atom is examined as it stands, so check it with each set of
    options that matters.

    Parameters
    ----------
    atom : str, Atom, Atom class or callable
        As in a dictionary. An atom of your own should be checked as it will be used: with the
        values given to it, if any.

    Raises
    ------
    AssertionError
        If a promise is broken: which one, what was seen, and the cure.

    See Also
    --------
    atom_checks : The same, check by check.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import FunctionAtom
    >>> from skmire.testing import check_atom
    >>> check_atom(torch.tanh)
    >>> check_atom(FunctionAtom(torch.sign))
    Traceback (most recent call last):
        ...
    AssertionError: An atom is continuous, ... But of FunctionAtom: its smoothness is inf, but its
    value jumps by 1 near 0.0. Lower `smoothness` to what is true ...
    """
    made = make_atom(atom)
    for check in atom_checks():
        check(made)
