"""Memory, asked for before it is taken."""

from __future__ import annotations

from pathlib import Path

_MEMINFO = Path("/proc/meminfo")


def available() -> int | None:
    """Return how many bytes can still be had, ``None`` where the system does not say."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith("MemAvailable:")]
    return int(found[0][1]) * 1024 if found else None


def require(n_bytes: int, purpose: str, cure: str) -> None:
    """Refuse work that cannot fit, before it allocates.

    Parameters
    ----------
    n_bytes : int
        What it needs at once.
    purpose : str
        What needs it, as the subject of the error's sentence.
    cure : str
        What to do instead.

    Raises
    ------
    MemoryError
        If there is less.
    """
    left = available()
    if left is not None and n_bytes > left:
        raise MemoryError(
            f"{purpose} needs {n_bytes / 2**30:.2g} GiB, and {left / 2**30:.2g} GiB are available. "
            f"{cure}"
        )
