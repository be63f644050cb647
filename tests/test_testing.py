"""The conformance kits pass skmire's own atoms and searches, and catch what breaks a promise."""

import random
import re
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.base import clone

from skmire import EnsembleSearch, FixedSequence, LayerSearch
from skmire.atoms import (
    PSWF,
    Atom,
    ComplexGabor,
    FunctionAtom,
    Gabor,
    Gaussian,
    RaisedCosine,
    RootRaisedCosine,
    Sinusoid,
    VariablePeriodic,
    make_atom,
)
from skmire.atoms._dictionary import REGISTRY
from skmire.search import (
    BaseLayerSearch,
    BayesSearch,
    BeamSearch,
    Candidate,
    DivergenceError,
    ExhaustiveSearch,
    HalvingSearch,
    ProjectionSearch,
    SearchResult,
    train_candidate,
)
from skmire.testing import atom_checks, check_atom, check_search, search_checks
from skmire.training import Samples

# -- skmire's own --------------------------------------------------------------------------------

ATOMS = [
    *map(make_atom, REGISTRY),
    Gaussian(scale=7.3),
    Sinusoid(frequency=7.3, phase=0.4),
    RaisedCosine(roll_off=0.0),
    RootRaisedCosine(roll_off=1.0),
    PSWF(kind="radial"),
    PSWF(order=1, c=10.0),
    ComplexGabor(handover="modulus"),
    VariablePeriodic(Gabor()),
    FunctionAtom(torch.tanh),
]
SEARCHES = [
    LayerSearch(2),
    LayerSearch(2, selection="train"),
    LayerSearch(2, mode="growth"),
    LayerSearch(3, mode="growth", epochs=(2, 3, 4), train_earlier=False),
    LayerSearch(1, mode="growth", selection="held_out", compare="last"),
    BeamSearch(3, 2),
    HalvingSearch(2, 4),
    HalvingSearch(2, 20, factor=2, selection="train"),
    ExhaustiveSearch(2),
    ExhaustiveSearch(2, selection="train"),
    ProjectionSearch(2, 20, 2),
    ProjectionSearch(3, 20, 2, selection="train"),
    BayesSearch(2, 6),
    BayesSearch(2, 6, selection="train"),
    FixedSequence("gaussian", 2),
    FixedSequence([Gaussian(scale=2.0), "sinc"]),
    EnsembleSearch(LayerSearch(2), 2),
    EnsembleSearch(FixedSequence("gaussian", 2), 3),
]


@pytest.mark.parametrize("atom", ATOMS, ids=lambda atom: atom.name)
def test_skmires_atoms_keep_their_promises(atom):
    check_atom(atom)


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_skmires_searches_keep_their_promises(search):
    check_search(search)


# -- atoms that break one promise each -----------------------------------------------------------


class Bell(Atom):
    """Keeps all promises; what follows breaks one each."""

    name = "bell"
    base = {"scale": 1.0}  # noqa: RUF012

    def __init__(self, *, scale=None):
        super().__init__(scale=scale)

    def bell(self, z):
        return torch.exp(-(self.scale * z).square().clamp(max=50))

    def forward(self, z):
        return self.bell(z)


class Undeclared(Bell):
    def __init__(self, *, scale=None):
        super().__init__(scale=scale)
        self.height = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))

    def forward(self, z):
        return self.height * self.bell(z)


class NotNone(Bell):
    def __init__(self, *, scale=1.5):
        super().__init__(scale=scale)


class Untitled(Bell):
    name = "my bell!"


class Taken(Bell):
    name = "gabor"


class FrozenCopy(Bell):
    def configured(self):
        return super().configured().requires_grad_(False)


class Amplitude(Bell):
    image_scales = (1.0, 1.0)

    def forward(self, z):
        return self.scale * torch.exp(-z.square().clamp(max=50))


class Flat(Bell):
    def forward(self, z):
        return self.bell(z).flatten() if z.ndim == 3 else self.bell(z)


class Wide(Bell):
    def forward(self, z):
        return self.bell(z).double()


class Columns(Bell):
    def forward(self, z):
        if z.ndim != 2:
            return self.bell(z)
        return self.bell(z) * torch.linspace(0.9, 1, z.shape[1], dtype=z.dtype)


class InPlace(Bell):
    def forward(self, z):
        z.mul_(self.scale)
        return torch.exp(-z.square().clamp(max=50))


class Dice(Bell):
    def forward(self, z):
        random.random()
        return self.bell(z)


class Overflowing(Bell):
    """Far out, infinity over infinity."""

    def forward(self, z):
        u = (self.scale * z).square()
        far = torch.exp(u / 1e4)
        return self.bell(z) * (far / far)


class Coarse(Bell):
    """Loses in float32 the digits that float64 has to spare."""

    def forward(self, z):
        return self.bell((z + 1e4) - 1e4)


class Uncoupled(Bell):
    """Its slope in the parameter is missing one of two terms."""

    def forward(self, z):
        return self.bell(z) * torch.exp(-(self.scale.detach() * z).square().clamp(max=50))


class Unused(Bell):
    base = {"scale": 1.0, "colour": 1.0}  # noqa: RUF012

    def __init__(self, *, scale=None, colour=None):
        Atom.__init__(self, scale=scale, colour=colour)


class Tent(Bell):
    """A kink that is symmetric, so that central differences do not see it."""

    smoothness = 1

    def forward(self, z):
        return torch.exp(-(self.scale * z).abs().clamp(max=50))


class _Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u):
        y = u.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        return grad * y


class Opaque(Bell):
    smoothness = 1

    def forward(self, z):
        return _Exp.apply(-(self.scale * z).square().clamp(max=50))


class HandsOn(ComplexGabor):
    name = "hands_on"

    def hand_over(self, z):
        return z


class WithLambda(Bell):
    def __init__(self, *, scale=None):
        super().__init__(scale=scale)
        self.square = lambda u: u * u


class Sized(Bell):
    def forward(self, z):
        return self.bell(z) if z.ndim == 0 or z.shape[0] != 17 else self.bell(z) + 0


class Stunted(Bell):
    matched_scales = (1e4, 1e4)


class Hasty(Bell):
    def sweep(self, t, spare):
        values = torch.exp(-(self.scale * t).square().clamp(max=50))
        return values, lambda cotangent: cotangent * -2 * self.scale**2 * t * values


class Steeper(Bell):
    def jet(self, t, out, spare):
        super().jet(t, out, spare)
        out[-1].mul_(1.1)


LIARS = [
    (Undeclared, "check_parameters_are_those_declared", "height"),
    (NotNone, "check_parameters_are_keywords", "scale=1.5"),
    (Untitled, "check_name", "'my bell!'"),
    (Taken, "check_name", "'gabor'"),
    (FrozenCopy, "check_copies", "is not trained"),
    (Amplitude, "check_at_scale_stretches", "at_scale"),
    (Flat, "check_shape_and_dtype", r"\(24,\)"),
    (Wide, "check_shape_and_dtype", "float64"),
    (Columns, "check_elementwise", "as a table"),
    (InPlace, "check_input_is_left_alone", "written to"),
    (Dice, "check_no_state", "random"),
    (Overflowing, "check_finite", "nan"),
    (Coarse, "check_float32", "in float32"),
    (HandsOn, "check_complex", "hand_over"),
    (Uncoupled, "check_derivatives", "by differences"),
    (Unused, "check_parameters_matter", "colour"),
    (Tent, "check_smoothness", "slope jumps"),
    (Opaque, "check_torch_func", "raised"),
    (Hasty, "check_sweep", "no gradient in scale"),
    (Steeper, "check_jet", "curvature"),
    (WithLambda, "check_round_trips", "lambda"),
    (Sized, "check_export", "raised"),
    (Stunted, "check_trains", "R2"),
]


def caught(checks, thing):
    """Names of the checks that fail, and what they say."""
    said = {}
    for check in checks:
        try:
            check(thing)
        except AssertionError as error:
            said[check.__name__] = str(error)
    return said


@pytest.mark.parametrize(("make", "check", "seen"), LIARS, ids=lambda v: getattr(v, "__name__", v))
def test_an_atom_that_breaks_one_promise_fails_that_check_alone(make, check, seen):
    said = caught(atom_checks(), make())
    assert list(said) == [check], said
    assert re.search(seen, said[check])


@pytest.mark.parametrize("scales", ["image_scales", "matched_scales"])
@pytest.mark.parametrize("wrong", [(1.0,), (0.0, 1.0), (1.0, -1.0), (1.0, float("inf"))])
def test_scales_that_are_not_two_positive_numbers_are_named(scales, wrong):
    atom = type("Bell", (Bell,), {scales: wrong})()
    said = caught(atom_checks(), atom)["check_at_scale_stretches"]
    assert f"{scales} is {list(wrong)}, not two positive numbers" in said


def test_every_check_of_an_atom_can_fail():
    assert {check for _, check, _ in LIARS} == {check.__name__ for check in atom_checks()}


# -- atoms that are careless at a removable pole -------------------------------------------------


def divided(u):
    return u.sin() / u


def guarded_by_little(u):
    return u.sin() / (u + 1e-9)


def where_alone(u):
    return torch.where(u == 0, torch.ones_like(u), u.sin() / u)


def where_twice(u):
    pole = u == 0
    safe = torch.where(pole, torch.ones_like(u), u)
    return torch.where(pole, torch.ones_like(u), safe.sin() / safe)


def short_series(u):
    near = u.abs() < 1e-3
    safe = torch.where(near, torch.ones_like(u), u)
    return torch.where(near, 1 - torch.where(near, u, 0 * u).square() / 6, safe.sin() / safe)


def pole_elsewhere(u):
    return torch.cos(torch.pi * u) / (1 - (2 * u).square())


CARELESS = [
    (divided, "check_finite"),
    (guarded_by_little, "check_smoothness"),
    (where_alone, "check_finite"),
    (where_twice, "check_derivatives"),
    (where_twice, "check_smoothness"),
    (where_twice, "check_float32"),
    (short_series, "check_float32"),
    (pole_elsewhere, "check_finite"),
]


class Careless(Bell):
    formula = staticmethod(divided)

    def forward(self, z):
        return self.formula(self.scale * z)


@pytest.mark.parametrize("scale", [None, 0.3, 7.3])
@pytest.mark.parametrize(("formula", "check"), CARELESS, ids=lambda v: getattr(v, "__name__", v))
def test_a_pole_that_is_not_removed_with_care_is_found(formula, check, scale):
    atom = Careless(scale=scale)
    atom.formula = formula
    (look,) = (c for c in atom_checks() if c.__name__ == check)
    with pytest.raises(AssertionError):
        look(atom)


def test_what_is_said_holds_rule_sight_and_cure():
    atom = Careless()
    with pytest.raises(
        AssertionError,
        match=r"^An atom, its first derivative .* are finite .* But of Careless: its value at 0\.0 "
        r"is nan, in torch\.float64 with \{'scale': 1\.0\}\. Where a formula divides",
    ):
        check_atom(atom)


# -- searches that break one promise each --------------------------------------------------------


class RandomSearch(BaseLayerSearch):
    """Keeps all promises; what follows breaks one each."""

    def __init__(self, n_layers=2, n_sequences=2):
        self.n_layers = n_layers
        self.n_sequences = n_sequences

    @property
    def depth(self):
        return self.n_layers

    def search(self, problem, trainer):
        networks, trace = [], []
        for i in range(self.n_sequences):
            stream = self.stream(problem, i)
            atoms = self.draw(problem, stream)
            name = "-".join(atom.name for atom in atoms)
            seed = int(stream.integers(2**31))
            task = self.begin(problem, name)
            network, training = train_candidate(
                self.seen(problem),
                trainer,
                atoms,
                epochs=self.epochs(problem),
                seconds=self.seconds(problem),
                seed=seed,
                task=task,
            )
            candidate = Candidate(
                layer=len(atoms),
                atom=name,
                seed=seed,
                effective_epochs=len(training.curve),
                training=training,
                loss=float("nan") if training.diverged else training.kept.loss("held_out"),
                chosen=False,
            )
            networks.append(network)
            trace.append(candidate)
            if task.finish(network):
                break
        return self.choose(networks, trace)

    def stream(self, problem, i):
        return np.random.default_rng([problem.seed, i])

    def draw(self, problem, stream):
        atoms = list(problem.dictionary)
        drawn = stream.integers(len(atoms), size=self.depth)
        made = []
        for k in drawn:
            made.append(problem.initialise(atoms[k], before=made, stream=stream))
        return made

    def begin(self, problem, name):
        return problem.task.start(name, n_subtasks=problem.max_epochs)

    def seen(self, problem):
        return problem

    def epochs(self, problem):
        return problem.max_epochs

    def seconds(self, problem):
        left = problem.seconds_left
        return None if left is None else left / self.n_sequences

    def choose(self, networks, trace):
        losses = [candidate.loss for candidate in trace]
        if np.isnan(losses).all():
            raise DivergenceError(f"Every sequence diverged: {trace[0].training.outcome}.")
        best = int(np.nanargmin(losses))
        trace[best] = replace(trace[best], chosen=True)
        return SearchResult((networks[best],), tuple(trace))


class Computing(RandomSearch):
    def __init__(self, n_layers=2, n_sequences=2):
        super().__init__(n_layers, n_sequences)
        self.n_networks = n_sequences * n_layers


class ParallelTasks(RandomSearch):
    """Says that tasks run in parallel, but not which is which."""

    def search(self, problem, trainer):
        stage = problem.task.start("search", n_subtasks=self.n_sequences, parallel=True)
        result = super().search(replace(problem, task=stage), trainer)
        stage.finish(result.network)
        return result


class TooDeep(RandomSearch):
    def draw(self, problem, stream):
        return [*super().draw(problem, stream), make_atom("gaussian")]


class Outsider(RandomSearch):
    def draw(self, problem, stream):
        return [make_atom("sinc"), *super().draw(problem, stream)[1:]]


class OneColumn(RandomSearch):
    def seen(self, problem):
        data = problem.samples
        if data.inputs.shape[1] == 1:
            return problem
        return replace(problem, samples=Samples(data.inputs[:, :1], data.targets, data.weights))


class Silent(RandomSearch):
    def choose(self, networks, trace):
        result = super().choose(networks, trace)
        lost = any(candidate.training.diverged for candidate in trace)
        return result if lost else SearchResult(result.networks, result.path)


class Miscounting(RandomSearch):
    def choose(self, networks, trace):
        result = super().choose(networks, trace)
        return SearchResult(
            result.networks,
            tuple(replace(c, effective_epochs=1) for c in result.trace),
        )


class Swapped(RandomSearch):
    """Halves the last weights of what it returns, if there are two outputs."""

    def choose(self, networks, trace):
        result = super().choose(networks, trace)
        last = result.network.affines[-1].weight
        if len(last) == 2:
            with torch.no_grad():
                last.mul_(0.5)
        return result


class Weightless(RandomSearch):
    def seen(self, problem):
        data = problem.samples
        return replace(problem, samples=Samples(data.inputs, data.targets))


class NothingHeldOut(RandomSearch):
    def seen(self, problem):
        return replace(problem, held_out=None)


class Longer(RandomSearch):
    def begin(self, problem, name):
        return problem.task.start(name, n_subtasks=self.epochs(problem))

    def epochs(self, problem):
        return problem.max_epochs + 1


class Late(RandomSearch):
    def seconds(self, problem):
        return None


class Unseeded(RandomSearch):
    def stream(self, problem, i):
        return np.random.default_rng(i)


class PerWorker(RandomSearch):
    def stream(self, problem, i):
        return np.random.default_rng([problem.seed, i, problem.n_jobs or 1])


class Remembering(RandomSearch):
    def search(self, problem, trainer):
        self.result_ = super().search(problem, trainer)
        return self.result_


class Greedy(RandomSearch):
    """Trains the dictionary's own atoms."""

    def draw(self, problem, stream):
        atoms = list(problem.dictionary)
        if all(isinstance(entry, Sinusoid | Gaussian) for entry in problem.dictionary.atoms):
            return [atoms[0], *super().draw(problem, stream)[1:]]
        return super().draw(problem, stream)


class Gambler(RandomSearch):
    def stream(self, problem, i):
        random.random()
        return super().stream(problem, i)


class OneThread(RandomSearch):
    def stream(self, problem, i):
        torch.set_num_threads(1)
        return super().stream(problem, i)


class TakesNaN(RandomSearch):
    """Chooses by numpy.argmin, to which NaN is the least."""

    def choose(self, networks, trace):
        losses = [candidate.loss for candidate in trace]
        if np.isnan(losses).all():
            return super().choose(networks, trace)
        best = int(np.argmin(losses))
        trace[best] = replace(trace[best], chosen=True)
        return SearchResult((networks[best],), tuple(trace))


class Hopeful(RandomSearch):
    def choose(self, networks, trace):
        try:
            return super().choose(networks, trace)
        except DivergenceError:
            if "runaway" in trace[0].atom:
                raise
            return SearchResult((networks[0],), (replace(trace[0], chosen=True), *trace[1:]))


class Unfinished(RandomSearch):
    def search(self, problem, trainer):
        problem.task.start("search", n_subtasks=0)
        return super().search(problem, trainer)


class UnfinishedAside(RandomSearch):
    """Leaves a task open only where candidates run side by side."""

    def begin(self, problem, name):
        if problem.n_jobs == 2:
            problem.task.start("worker", n_subtasks=0)
        return super().begin(problem, name)


class Unsaved(RandomSearch):
    def seen(self, problem):
        return replace(problem, checkpoint=None)


class Impatient(RandomSearch):
    """Takes it that half of the work is done where some is."""

    def search(self, problem, trainer):
        held = problem.checkpoint is not None and problem.checkpoint.n_candidates
        return super(Impatient, clone(self).set_params(n_sequences=1) if held else self).search(
            problem, trainer
        )


class Empty(RandomSearch):
    def choose(self, networks, trace):
        return SearchResult((), tuple(trace))


SEARCH_LIARS = [
    (Computing, "check_estimator", "n_networks"),
    (ParallelTasks, "check_in_an_encoder", "raised"),
    (Unsaved, "check_resumed", "trained 2 of 2 networks, where 1 were left"),
    (Impatient, "check_resumed", "stopped and resumed, the column"),
    (TooDeep, "check_sequence", "depth"),
    (Outsider, "check_sequence", "sinc"),
    (OneColumn, "check_shapes", "raised"),
    (Silent, "check_trace", "2 networks were trained"),
    (Miscounting, "check_trace", "effective epochs"),
    (Swapped, "check_losses", "its row says"),
    (Weightless, "check_weights", "weighted"),
    (NothingHeldOut, "check_held_out", "held-out"),
    (Longer, "check_epochs", "max_epochs=13"),
    (Late, "check_deadline", "400"),
    (Unseeded, "check_seed", "another seed"),
    (PerWorker, "check_n_jobs", "n_jobs=2"),
    (Remembering, "check_no_state_on_the_search", "result_"),
    (Greedy, "check_nothing_given_is_changed", "dictionary"),
    (Gambler, "check_global_state", "random"),
    (OneThread, "check_global_state", "threads"),
    (TakesNaN, "check_divergence_is_passed_over", "not finite"),
    (Hopeful, "check_divergence_error", "returns"),
    (Unfinished, "check_tasks", "search"),
    (UnfinishedAside, "check_tasks", "n_jobs=2"),
]


class Slower(LayerSearch):
    """Has fewer parameters than what it derives from, and a trainer of its own."""

    def __init__(self, n_layers=2, *, make=clone):
        super().__init__(n_layers, mode="growth", epochs=(3,) * n_layers)
        self.make = make

    def search(self, problem, trainer):
        slower = self.make(trainer).set_params(learning_rate=trainer.learning_rate / 2)
        return super().search(problem, slower)


def rebuilt(trainer):
    return type(trainer)(**trainer.get_params())


@pytest.mark.parametrize(
    "search",
    [RandomSearch(), Slower(), Slower(make=deepcopy), Slower(make=rebuilt)],
    ids=["random", "clone", "deepcopy", "rebuilt"],
)
def test_a_search_that_keeps_all_promises_passes(search):
    check_search(search)


def test_a_result_without_networks_is_named():
    with pytest.raises(AssertionError, match=r"Empty: SearchResult.networks is empty\. "):
        check_search(Empty())


@pytest.mark.parametrize(
    ("make", "check", "seen"), SEARCH_LIARS, ids=lambda v: getattr(v, "__name__", v)
)
def test_a_search_that_breaks_one_promise_fails_that_check_alone(make, check, seen):
    said = caught(search_checks(), make())
    assert list(said) == [check], said
    assert seen in said[check]


def test_every_check_of_a_search_can_fail():
    assert {check for _, check, _ in SEARCH_LIARS} == {c.__name__ for c in search_checks()}
