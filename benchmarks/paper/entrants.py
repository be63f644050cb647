"""Who takes part: skmire and the published networks, all with as many parameters."""

import copy
import dataclasses
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from scipy.interpolate import RBFInterpolator

from skmire import Architecture, FixedSequence, LayerSearch, MIREncoder, Trainer, peers
from skmire.atoms import ActivationDictionary, make_atom
from skmire.search import _contest, _copies, _lookahead

if TYPE_CHECKING:
    from runner import Array, Case


@dataclass(frozen=True)
class Entrant:
    """A network that takes part, by whose recipe it is trained, and what is special about it.

    Parameters
    ----------
    network : str
    trained_by : {"authors", "skmire", "scipy"}
    make : callable
        From ``n_layers`` and parameters of `MIREncoder` to an encoder; of what is no network, from
        what is fitted to the values at all places.
    setting : str, default=""
        What an experiment changes.
    width, layers : int, default=None
        In place of those that all others have.
    share : float, default=1.0
        Of the budget.
    """

    network: str
    trained_by: str
    make: Callable[..., Any]
    setting: str = ""
    width: int | None = None
    layers: int | None = None
    share: float = 1.0

    def at(self, setting: str, **changes: object) -> "Entrant":
        """Return it with something changed, under the name of a setting."""
        return dataclasses.replace(self, setting=setting, **changes)


PEERS: dict[str, tuple[Callable[..., MIREncoder], dict]] = {
    "siren": (peers.siren, {}),
    "finer": (peers.finer, {}),
    "gauss": (peers.gauss, {}),
    "wire": (peers.wire, {}),
    "wire, real": (peers.wire, {"complex": False}),
    "gabornet": (peers.mfn, {"kind": "gabor"}),
    "fouriernet": (peers.mfn, {"kind": "fourier"}),
    "incode": (peers.incode, {}),
    "fourier_relu": (peers.fourier_relu, {}),
}


def peer(network: str, by: str = "skmire", **options: object) -> Entrant:
    """Return a published network, trained by its authors' recipe or as skmire trains its own."""
    function, fixed = PEERS[network]
    ours = {"trainer": Trainer()} if by == "skmire" else {}
    return Entrant(network, by, lambda **size: function(**{**fixed, **ours, **options, **size}))


def own(name: str = "skmire", *, search: dict | None = None, **options: object) -> Entrant:
    """Return skmire: a search over layers, at the defaults but for what is given."""

    def make(n_layers: int, **size: object) -> MIREncoder:
        return MIREncoder(search=LayerSearch(n_layers, **(search or {})), **options, **size)

    return Entrant(name, "skmire", make)


def single(atom: str, **options: object) -> Entrant:
    """Return a network of one atom, trained by skmire without a search."""

    def make(n_layers: int, **size: object) -> MIREncoder:
        return MIREncoder(search=FixedSequence(atom, n_layers), **options, **size)

    return Entrant(atom, "skmire", make)


def radial() -> Entrant:
    """Return scipy's radial functions, thin plates of the 50 nearest samples: no network."""

    def answer(case: "Case") -> "Array":
        return RBFInterpolator(case.coords, case.values, neighbors=50)(case.places)

    return Entrant("radial functions", "scipy", answer)


def everyone(
    without: Iterable[str] = (), authors: dict[str, dict] | None = None
) -> tuple[Entrant, ...]:
    """Return skmire, and each peer by its authors' recipe and by skmire's training.

    `authors` has what they advise for a task, in place of what they do for images.
    """
    advised = authors or {}
    return (
        own(),
        own("skmire, train", search={"selection": "train"}),
        *(
            peer(network, by, **advised.get(network, {}))
            for network in PEERS
            if network not in without
            for by in ("authors", "skmire")
        ),
    )


def n_parameters(encoder: MIREncoder, n_in: int, n_out: int, n_layers: int) -> int:
    """Return how many numbers a network of an encoder has; a complex weight counts two.

    Of a search, with real atoms. What the atoms are scaled by is left out: a few numbers a layer,
    which some train and some keep.
    """
    search = encoder.search
    listed = search.atoms if isinstance(search, FixedSequence) else "sinusoid"
    if not isinstance(listed, list | tuple):
        listed = [listed] * n_layers
    atoms = [copy.deepcopy(make_atom(atom)) for atom in listed]
    grid = torch.cartesian_prod(*[torch.linspace(-1, 1, 4)] * n_in).reshape(-1, n_in)
    network = (encoder.network or Architecture()).build(
        atoms,
        in_features=n_in,
        out_features=n_out,
        hidden_width=encoder.hidden_width,
        generator=torch.Generator().manual_seed(0),
        dtype=torch.float32,
        signal=(grid, torch.ones(len(grid), n_out)),  # which some read
    )
    of_atoms = {id(p) for atom in atoms for p in atom.parameters()}
    return sum(
        p.numel() * (2 if p.is_complex() else 1)
        for p in network.parameters()
        if id(p) not in of_atoms
    )


@cache
def equal_width(
    entrant: Entrant,
    width: int,
    n_layers: int,
    n_in: int,
    n_out: int,
    turned: Callable[[MIREncoder], MIREncoder] = lambda encoder: encoder,
) -> int:
    """Return the width that gives a network as many parameters as a plain one has at `width`.

    Of what an experiment has `turned` either into.
    """

    def count(asked: int, make: Callable[..., MIREncoder] = entrant.make) -> int:
        encoder = turned(make(n_layers=n_layers, hidden_width=asked))
        return n_parameters(encoder, n_in, n_out, n_layers)

    wanted = count(width, single("sinusoid").make)
    low, high = 1, 2
    while count(high) < wanted:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < wanted else (low, middle)
    return min((low, high), key=lambda asked: abs(count(asked) - wanted))


def most_epochs(encoder: MIREncoder, n_samples: int, evaluations: float) -> int:
    """Return for how many epochs an encoder can be set without exceeding a number of evaluations.

    Of a network at a sample, with its slopes; 1 if even that is more. Of the look-ahead this is the
    most that it can come to: it leaves out what it has tried already, and epochs that were not
    worth it.
    """
    low, high = 1, 2
    while bill(encoder, n_samples, high) <= evaluations:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        within = bill(encoder, n_samples, middle) <= evaluations
        low, high = (middle, high) if within else (low, middle)
    return low


def bill(encoder: MIREncoder, n_samples: int, epochs: int) -> float:
    """Return the most evaluations that a fit comes to, set for so many epochs."""
    search, given = encoder.search, encoder.dictionary
    if isinstance(search, FixedSequence):
        return epochs * n_samples
    n_atoms = len(given if isinstance(given, ActivationDictionary) else ActivationDictionary(given))
    if search.mode == "growth":
        return n_atoms * sum(search.layer_epochs(epochs)) * n_samples
    selection = "train" if search.selection == "train" else "held_out"
    extent = _lookahead.extent_of(selection, hurried=False)
    effort, n_tried = extent.effort, extent.n_entries(n_atoms, search.depth, 1)
    kept = n_samples if selection == "train" else math.ceil(n_samples * (1 - _copies._HELD_OUT))
    judged = min(kept, _copies._MOST_SAMPLES)
    few = round(judged * effort.samples)
    few = few if few >= _copies._LEAST_SAMPLES else judged
    cheap = n_tried * max(round(effort.epochs * epochs), 1) * few
    whole = extent.finale
    whole += sum(_contest.FEWER) if selection == "held_out" else 0
    refits = selection == "held_out" or n_samples > _copies._WINDOW
    return cheap + epochs * (whole * judged + refits * n_samples)
