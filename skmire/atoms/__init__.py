"""The atoms: elementwise activations with trainable scales, and the dictionary of them."""

from skmire.atoms._base import Atom
from skmire.atoms._dictionary import ActivationDictionary, AtomLike, make_atom
from skmire.atoms._function import FunctionAtom
from skmire.atoms._gabor import ComplexGabor, Gabor
from skmire.atoms._gaussian import Gaussian
from skmire.atoms._pswf import PSWF
from skmire.atoms._raised_cosine import RaisedCosine, RootRaisedCosine
from skmire.atoms._relu import ReLU
from skmire.atoms._sinc import Sinc
from skmire.atoms._sinusoid import Sinusoid
from skmire.atoms._variable_periodic import VariablePeriodic

__all__ = [
    "PSWF",
    "ActivationDictionary",
    "Atom",
    "AtomLike",
    "ComplexGabor",
    "FunctionAtom",
    "Gabor",
    "Gaussian",
    "RaisedCosine",
    "ReLU",
    "RootRaisedCosine",
    "Sinc",
    "Sinusoid",
    "VariablePeriodic",
    "make_atom",
]
