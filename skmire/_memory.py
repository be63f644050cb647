"""Memory, asked for before it is taken."""

from __future__ import annotations

from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CONTAINER = Path("/sys/fs/cgroup")


def available() -> int | None:
    """Return how many bytes can still be had, ``None`` where the system does not say."""
    lines = _words(_MEMINFO).splitlines()
    left = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    most, held = (_words(_CONTAINER / f"memory.{name}").strip() for name in ("max", "current"))
    if most.isdigit() and held.isdigit():
        left.append(int(most) - int(held) + _cached())
    return min(left, default=None)


def _cached() -> int:
    """Return how much of what a container holds are files read, which it lets go when asked."""
    told = (line.split() for line in _words(_CONTAINER / "memory.stat").splitlines())
    return sum(int(n) for name, n in told if name in ("active_file", "inactive_file"))


def _words(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


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
