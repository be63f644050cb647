"""Optional packages, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional `module`, or say which extra of skmire brings it.

    Parameters
    ----------
    module : str
        Dotted name of the module.
    extra : str
        The extra of skmire that installs it.
    purpose : str
        What needs it, as the subject of the error's sentence.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If the package is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] != package:
            raise
        raise ImportError(
            f"{purpose} needs {package}, which is not installed; "
            f'install it with: pip install "skmire[{extra}]"'
        ) from None
