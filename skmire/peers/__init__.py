"""Published coordinate networks, set up and trained as their authors say."""

from skmire.peers._finer import finer
from skmire.peers._incode import Harmonised, incode
from skmire.peers._mfn import MultiplicativeFilters, mfn
from skmire.peers._stacks import fourier_relu, gauss, siren, wire

__all__ = [
    "Harmonised",
    "MultiplicativeFilters",
    "finer",
    "fourier_relu",
    "gauss",
    "incode",
    "mfn",
    "siren",
    "wire",
]
