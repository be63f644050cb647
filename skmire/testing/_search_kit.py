"""The conformance kit of searches."""

from __future__ import annotations

from collections.abc import Callable

from skmire.search import BaseLayerSearch
from skmire.testing import _search_conduct, _search_result, _search_use


def search_checks() -> tuple[Callable[[BaseLayerSearch], None], ...]:
    """Return the single checks of `check_search`, for a test run to list them one by one.

    Returns
    -------
    checks : tuple of callable
        Each takes a search, raises AssertionError if the promise it is named after is broken,
        and leaves the search as it was.

    Examples
    --------
    >>> from skmire.testing import search_checks
    >>> search_checks()[0].__name__
    'check_estimator'

    In a file of tests::

        @pytest.mark.parametrize("check", search_checks(), ids=lambda check: check.__name__)
        def test_random_search(check):
            check(RandomSearch())
    """
    return (*_search_use.CHECKS, *_search_result.CHECKS, *_search_conduct.CHECKS)


def check_search(search: BaseLayerSearch) -> None:
    """Hold a search to everything that skmire's own searches promise.

    It runs the search about 40 times, on forty samples and with networks of eight units.

    Parameters
    ----------
    search : BaseLayerSearch
        With the parameters to check it with; small ones save time.

    Raises
    ------
    AssertionError
        If a promise is broken: which one, what was seen, and the cure.

    See Also
    --------
    search_checks : The same, check by check.

    Examples
    --------
    >>> from skmire import FixedSequence
    >>> from skmire.testing import check_search
    >>> check_search(FixedSequence("gaussian", n_layers=2))
    >>> class Modest(FixedSequence):
    ...     depth = 1
    >>> check_search(Modest("gaussian", n_layers=2))
    Traceback (most recent call last):
        ...
    AssertionError: A search ... But of Modest: ...
    """
    for check in search_checks():
        check(search)
