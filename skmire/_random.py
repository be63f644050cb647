"""Independent random streams from one root seed.

Every draw of a fit comes from a stream named by what it is for (``"weights"``, layer 2, ...), so
no draw depends on the order in which work is done, nor on how many workers do it.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
import torch


def derive_seed(root: int, *key: int | str) -> int:
    """Return the seed of the stream `key` under `root`, in [0, 2**63)."""
    words = [crc32(part.encode()) if isinstance(part, str) else part for part in key]
    state = np.random.SeedSequence([root, *words]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def numpy_stream(root: int, *key: int | str) -> np.random.Generator:
    """Return the NumPy generator of the stream `key` under `root`."""
    return np.random.default_rng(derive_seed(root, *key))


def torch_stream(root: int, *key: int | str) -> torch.Generator:
    """Return the torch generator (on the CPU) of the stream `key` under `root`."""
    return torch.Generator().manual_seed(derive_seed(root, *key))
