"""Fits that are killed and go on, from the candidates that their checkpoint holds.

``python tests/test_checkpoint.py FOLDER`` is the program that the first test kills.
"""

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import fields, replace
from functools import cached_property, partial
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import cross_val_score

from skmire import (
    ActivationDictionary,
    Architecture,
    EnsembleSearch,
    FixedSequence,
    LayerSearch,
    MIREncoder,
    Trainer,
)
from skmire._digest import digest
from skmire.atoms import PSWF, ComplexGabor, FunctionAtom, Gaussian, Sinusoid
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
    _checkpoint,
    train_candidate,
)
from skmire.search._checkpoint import Checkpoint
from skmire.testing._search_setting import Log, WatchedTask, difference, problem, samples
from skmire.training import Samples, Training

X = np.linspace(-1, 1, 64)[:, None]
Y = np.sin(9 * X[:, 0]) + 0.3 * X[:, 0]
PAIR = ["sinusoid", "gaussian"]


class TwoBells(BaseLayerSearch):
    """A user's own search, of two widths."""

    depth = 1

    def search(self, problem, trainer):
        rows, networks = [], []
        for seed, scale in enumerate((2.0, 5.0)):
            task = problem.task.start("bell", n_subtasks=problem.max_epochs)
            network, training = train_candidate(
                problem, trainer, [Gaussian(scale=scale)], epochs=problem.max_epochs,
                seconds=problem.seconds_left, seed=problem.seed + seed, task=task,
            )  # fmt: skip
            task.finish(network)
            loss = training.kept.loss("held_out")
            chosen = not rows or loss < rows[0].loss
            rows.append(Candidate(1, "gaussian", seed, problem.max_epochs, training, loss, chosen))
            networks.append(network)
        if rows[1].chosen:
            rows[0] = replace(rows[0], chosen=False)
        return SearchResult((networks[rows[1].chosen],), tuple(rows))


SEARCHES = {
    "lookahead": LayerSearch(2),
    "automatic depth": LayerSearch("auto", max_layers=3),
    "growth": LayerSearch(3, mode="growth"),
    "frozen": LayerSearch(2, mode="growth", train_earlier=False),
    "beam": BeamSearch(2),
    "halving": HalvingSearch(2),
    "projection": ProjectionSearch(2, 20, 2),
    "bayes": BayesSearch(2, 6),
    "exhaustive": ExhaustiveSearch(2),
    "fixed": FixedSequence("sinusoid", 2),
    "ensemble": EnsembleSearch(FixedSequence("sinusoid", 2), 3),
    "own": TwoBells(),
}
N_TRAININGS = {"growth": 6, "frozen": 4, "fixed": 1, "ensemble": 3, "own": 2}


def encoder(checkpoint=None, search=SEARCHES["growth"], dictionary=PAIR, **options):
    defaults = {"hidden_width": 16, "max_epochs": 8, "dtype": "float64", "random_state": 0}
    return MIREncoder(
        dictionary, clone(search), checkpoint=checkpoint, **{**defaults, **options}
    )  # fmt: skip


def candidates(path):
    return sorted((Path(path) / "candidates").glob("*.npz"))


def of_fit(path):
    """Return what the checkpoint says it is of."""
    return json.loads((path / "fit.json").read_text())["fit"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit"


class Interrupted(Exception):
    """What ends a fit; the workers have returned when it comes out."""


@pytest.fixture
def trained(monkeypatch):
    """A list that grows by one with every training; where it says so, one of them fails."""

    class Trained(list):
        fails_at = None

        def fail_at(self, n):
            self.fails_at = n

    seen, train, one_by_one = Trained(), Trainer.train, threading.Lock()

    def counted(self, *args, **options):
        with one_by_one:
            if seen.fails_at is not None and len(seen) >= seen.fails_at:
                raise Interrupted
            seen.append(options["epochs"])
        return train(self, *args, **options)

    monkeypatch.setattr(Trainer, "train", counted)
    return seen


# -- killed --------------------------------------------------------------------------------------

WRITES = ("before fsync", "before replace", "after replace")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the program that is killed forks")
def test_a_fit_killed_at_any_moment_ends_as_one_that_was_not(tmp_path):
    subprocess.run([sys.executable, __file__, tmp_path], check=True)
    plain = {name: opened(tmp_path / f"{name}.pickle") for name in ("lookahead", "growth")}
    resumed = sorted(tmp_path.glob("*-of-*.pickle"))
    assert len(resumed) == 10 + len(WRITES)
    for file in resumed:
        fit, name = opened(file), file.stem.partition("-of-")[2]
        assert difference(fit.search_result_, plain[name].search_result_) == "", file.stem
        assert fit.activations_ == plain[name].activations_
        assert fit.loss_curve_ == plain[name].loss_curve_
        np.testing.assert_array_equal(fit.predict(X), plain[name].predict(X))
    # Else nothing was resumed, or nothing was left to do: the moments must be spread.
    found = json.loads((tmp_path / "found.json").read_text())
    whole = {name: len(fit.search_result_.trace) for name, fit in plain.items()}
    assert any(0 < n < whole[name.partition("-of-")[2]] for name, n in found.items())


def opened(file):
    return pickle.loads(file.read_bytes())


def in_a_child(action):
    """Start a process that does this alone."""
    child = os.fork()
    if child == 0:
        try:
            action()
            os._exit(0)
        finally:
            os._exit(1)
    return child


def ended(child):
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return status


def main(folder):
    """Kill fits at ten random moments, and in the third of their writes; save them, resumed."""
    kinds = ("lookahead", "growth")
    torch.set_num_threads(1)  # and no pool of threads, which would not survive a fork

    def fit(checkpoint=None, save_as=None, kind="growth", n_jobs=1):
        fitted = encoder(
            checkpoint, SEARCHES[kind], ["sinusoid", "gaussian", "sinc"], max_epochs=60,
            n_jobs=n_jobs, device="cpu",
        ).fit(X, Y)  # fmt: skip
        if save_as is not None:
            save_as.write_bytes(pickle.dumps(fitted))

    def fit_and_die(when, **options):
        left = [4]  # fit.json is the first

        def dying(name):
            real = getattr(os, name)

            def call(*args):
                left[0] -= name == when.split()[1]
                if left[0] == 0 and when.startswith("before"):
                    os.kill(os.getpid(), signal.SIGKILL)
                real(*args)
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            setattr(os, name, call)

        dying(when.split()[1])
        fit(**options)

    seconds, found = {}, {}
    for kind in kinds:
        fit(kind=kind)  # imports what is imported late
        begun = time.perf_counter()
        assert ended(in_a_child(partial(fit, save_as=folder / f"{kind}.pickle", kind=kind))) == 0
        seconds[kind] = time.perf_counter() - begun
    for i, when in enumerate((*np.random.default_rng(0).uniform(size=10), *WRITES)):
        options = {"kind": kinds[i % 2], "n_jobs": 1 + i // 2 % 2}
        name = f"{i}-of-{options['kind']}"
        options["checkpoint"] = folder / name
        if isinstance(when, str):
            assert ended(in_a_child(partial(fit_and_die, when, **options))) == signal.SIGKILL
        else:
            child = in_a_child(partial(fit, **options))
            time.sleep(when * seconds[options["kind"]])
            os.kill(child, signal.SIGKILL)
            ended(child)
        found[name] = len(candidates(folder / name))
        assert ended(in_a_child(partial(fit, save_as=folder / f"{name}.pickle", **options))) == 0
    (folder / "found.json").write_text(json.dumps(found))


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("n", [0, 1, 3, 5])
def test_an_interrupted_fit_trains_what_is_left_and_no_more(path, trained, n, n_jobs):
    plain = encoder().fit(X, Y)
    n_whole, trained[:] = len(trained), []
    trained.fail_at(n)
    with pytest.raises(Interrupted):
        encoder(path, n_jobs=n_jobs).fit(X, Y)
    trained.fail_at(None)
    n_kept, trained[:] = len(candidates(path)), []
    assert n - n_jobs < n_kept <= n  # a neighbour is stopped, too
    resumed = encoder(path, n_jobs=n_jobs).fit(X, Y)
    assert len(trained) == n_whole - n_kept
    assert difference(plain.search_result_, resumed.search_result_) == ""


# -- finished ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("options", [
    {}, {"dtype": "float32", "n_jobs": 2}, {"dictionary": ["complex_gabor", "pswf"]},
    {"trainer": Trainer(early_stopping=True, n_iter_no_change=1)},
], ids=["double", "single", "complex", "held out"])  # fmt: skip
def test_a_finished_fit_comes_back_and_nothing_is_trained(path, trained, name, options):
    plain = encoder(search=SEARCHES[name], **options).fit(X, Y)
    n_whole, trained[:] = len(trained), []
    assert n_whole == N_TRAININGS.get(name, n_whole) > 0
    first = encoder(path, SEARCHES[name], **options).fit(X, Y)
    assert len(trained) == n_whole == len(candidates(path))
    again = encoder(str(path), SEARCHES[name], **options).fit(X, Y)
    assert len(trained) == n_whole
    for fit in (first, again):
        assert difference(plain.search_result_, fit.search_result_) == ""
        np.testing.assert_array_equal(fit.predict(X), plain.predict(X))
        np.testing.assert_array_equal(fit.gradient(X), plain.gradient(X))
    for one, other in zip(first.search_result_.trace, again.search_result_.trace, strict=True):
        np.testing.assert_equal(vars(other.training), vars(one.training))  # the seconds, too
    for one, other in zip(first.network_.parameters(), again.network_.parameters(), strict=True):
        assert one.requires_grad == other.requires_grad


def test_workers_that_are_threads_read_one_after_another(path, trained, monkeypatch):
    """CPython's parser, by which NumPy reads headers, is not safe in threads (3.11, 106905)."""
    encoder(path).fit(X, Y)
    load, at_work, most = np.load, [], []

    def slow(*args, **options):
        at_work.append(None)
        most.append(len(at_work))
        time.sleep(0.01)
        try:
            return load(*args, **options)
        finally:
            at_work.pop()

    monkeypatch.setattr(_checkpoint.np, "load", slow)
    trained.clear()
    encoder(path, n_jobs=4).fit(X, Y)
    assert trained == []
    assert max(most) == 1


def test_workers_that_are_processes_keep_their_candidates_too(path, trained):
    plain = encoder().fit(X, Y)
    with joblib.parallel_config("loky", n_jobs=2):
        encoder(path).fit(X, Y)
    trained.clear()
    again = encoder(path).fit(X, Y)
    assert trained == []
    assert difference(plain.search_result_, again.search_result_) == ""


def test_a_fit_that_diverged_does_so_again_at_once(path, trained):
    def runaway(z):
        return z * float("nan")

    model = encoder(path, dictionary=["gaussian", runaway])
    first = model.fit(X, Y).search_results_["outcome"].tolist()
    n_whole = len(trained)
    assert model.fit(X, Y).search_results_["outcome"].tolist() == first
    assert len(trained) == n_whole
    assert first.count("diverged: no finite loss") == 3
    alone = encoder(path / "alone", dictionary=[runaway])
    for n in (n_whole + 1, n_whole + 1):
        with pytest.raises(DivergenceError):
            alone.fit(X, Y)
        assert len(trained) == n


# -- what makes a candidate ----------------------------------------------------------------------


def candidate(path, *, trainer=None, atoms=None, frozen=0, epochs=3, seed=5, seconds=None, **of):
    """Train a candidate of a problem that is different in what `of` says."""
    chosen = [Sinusoid(), Gaussian()] if atoms is None else atoms
    atoms = [ActivationDictionary([a]).initialise(a, stream=None) for a in chosen]
    return train_candidate(
        problem(checkpoint=Checkpoint(path, {}), **of), trainer or Trainer(), atoms,
        epochs=epochs, seconds=seconds, seed=seed, task=WatchedTask(Log()), frozen=frozen,
    )  # fmt: skip


class Wave:
    """A function with a number of its own."""

    def __init__(self, frequency):
        self.frequency = frequency

    def __call__(self, z):
        return torch.sin(self.frequency * z)


def waves(frequency):
    """Return functions that hold the number in all other ways there are."""

    def by_default(z, *, times=frequency):
        return torch.sin(times * z)

    def inside(z):
        return torch.sin(frequency * z)

    def around(z):
        return inside(z)

    scope = {"torch": torch, "FREQUENCY": frequency}
    exec("def by_global(z):\n    return torch.sin(FREQUENCY * z)", scope)
    return {
        "an attribute": Wave(frequency),
        "a method's object": Wave(frequency).__call__,
        "a default by name": by_default,
        "a number in a function around it": around,
        "a global number": scope["by_global"],
    }


class Alike(Architecture):
    """Its networks start alike, whatever the seed."""

    def build(self, atoms, *, generator, **options):
        return super().build(atoms, generator=generator.manual_seed(0), **options)


def moved(data, part):
    values = getattr(data, part).clone()
    values[3] += 1e-12
    return replace(data, **{part: values})


OURS, HALF = samples(weighted=True), samples(weighted=True).take(slice(20))
ONE = Samples(OURS.inputs, OURS.targets)
OTHERS = {
    "epochs": {"epochs": 4},
    "seed": {"seed": 6},
    "frozen layers": {"frozen": 1},
    "more frozen layers": {"frozen": 2},
    "other atoms": {"atoms": [Gaussian(), Sinusoid()]},
    "an atom more": {"atoms": [Sinusoid(), Gaussian(), Gaussian()]},
    "another start": {"atoms": [Sinusoid(), Gaussian(scale=2.0)]},
    "a start close by": {"atoms": [Sinusoid(), Gaussian(scale=2.0 + 1e-15)]},
    "the width": {"hidden_width": 9},
    "the weights' start": {"architecture": Architecture("siren")},
    "the biases' start": {"architecture": Architecture(first_bias=2.0)},
    "a start that is always the same": {"architecture": Alike()},
    "only the batches' seed": {"architecture": Alike(), "seed": 6},
    "the step size": {"trainer": Trainer(learning_rate=2e-3)},
    "the batches": {"trainer": Trainer(batch_size=8)},
    "the optimiser": {"trainer": Trainer(optimizer="adamw")},
    "a class of optimisers": {"trainer": Trainer(optimizer=torch.optim.NAdam)},
    "another class": {"trainer": Trainer(optimizer=torch.optim.RAdam)},
    "options": {"trainer": Trainer(optimizer_options={"weight_decay": 0.1})},
    "another kind of trainer": {"trainer": type("Other", (Trainer,), {})()},
    "a coordinate": {"samples": moved(ONE, "inputs")},
    "a value": {"samples": moved(ONE, "targets")},
    "weights": {"samples": OURS},
    "a weight": {"samples": moved(OURS, "weights")},
    "half of the samples": {"samples": HALF},
    "held-out samples": {"held_out": HALF},
    "a held-out value": {"held_out": moved(HALF, "targets")},
    "single precision": {"samples": Samples(ONE.inputs.float(), ONE.targets.float())},
    "prolates": {"atoms": [PSWF(c=4.0)]},
    "prolates of another order": {"atoms": [PSWF(c=4.0, order=1)]},
    "a complex atom": {"atoms": [ComplexGabor(), Gaussian()]},
    "another handover": {"atoms": [ComplexGabor(handover="modulus"), Gaussian()]},
    "a function": {"atoms": [FunctionAtom(lambda z: torch.sin(2 * z))]},
    "another function": {"atoms": [FunctionAtom(lambda z: torch.cos(2 * z))]},
    "another number in it": {"atoms": [FunctionAtom(lambda z: torch.sin(3 * z))]},
    "a function of torch": {"atoms": [FunctionAtom(torch.sin)]},
    "another of torch": {"atoms": [FunctionAtom(torch.cos)]},
    "a number around it": {"atoms": [FunctionAtom((lambda k: lambda z: torch.sin(k * z))(2))]},
    "another around it": {"atoms": [FunctionAtom((lambda k: lambda z: torch.sin(k * z))(3))]},
    "a given argument": {"atoms": [FunctionAtom(partial(torch.clamp, max=1))]},
    "another argument": {"atoms": [FunctionAtom(partial(torch.clamp, max=2))]},
    **{what: {"atoms": [FunctionAtom(f)]} for what, f in waves(2.0).items()},
    **{f"{what}, 3": {"atoms": [FunctionAtom(f)]} for what, f in waves(3.0).items()},
}  # fmt: skip


def test_no_two_different_candidates_are_taken_for_each_other(path, trained):
    (path / "candidates").mkdir(parents=True)
    candidate(path)
    for n, (what, other) in enumerate(OTHERS.items(), start=2):
        candidate(path, **other)
        assert len(trained) == n, f"{what} made no difference"
    for other in ({}, *OTHERS.values()):
        candidate(path, **other)
    assert len(trained) == 1 + len(OTHERS) == len(candidates(path))


def test_a_candidate_is_itself_whatever_its_surroundings(path, trained):
    (path / "candidates").mkdir(parents=True)
    one, training = candidate(path)
    other, again = candidate(path, n_jobs=3, verbose=2, seed=np.int64(5), epochs=np.int32(3))
    assert len(trained) == 1
    assert again.curve.tolist() == training.curve.tolist()
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
        assert a is not b
    # One that had all its epochs is taken under a time limit too; not the other way round.
    candidate(path, seconds=1e6)
    assert len(trained) == 1
    candidate(path, seconds=1e6, seed=9)
    candidate(path, seconds=1e3, seed=9)
    assert len(trained) == 2
    candidate(path, seed=9)
    assert len(trained) == 3


DIGESTED = """
import torch
from types import SimpleNamespace
from skmire import ActivationDictionary, Trainer
from skmire._digest import digest

def tells(z, *, kind="a"):
    return (lambda: z) if kind in {"a", "b", "c", "d", "e"} else None

atoms = list(ActivationDictionary.extended())
held = SimpleNamespace(letters=set("abcdef"), of=object())
held.itself = held
functions = [tells, torch.sin, torch.nn.functional.silu]
things = [atoms, Trainer(), set("abcdef"), Exception, object(), held, torch, functions]
"""


def test_digests_are_those_of_another_process_and_another_day():
    used = "for atom in atoms: atom(torch.linspace(-2, 2, 9)), atom.values()\n"  # it may remember
    code = DIGESTED + used + "print(digest(things))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    scope = {}
    exec(DIGESTED, scope)
    assert other.stdout.strip() == digest(scope["things"])


def test_everything_of_a_training_is_kept(path):
    (path / "candidates").mkdir(parents=True)
    network, training = candidate(path, held_out=HALF)
    full = replace(training, n_returns=3, outcome="early stopping", seconds=0.1)
    unlike = Training(training.kept, training.last, training.curve, None, 0.0, "completed")
    told = [f.name for f in fields(Training) if f.name != "cut_short"]  # those are not kept
    assert all(
        getattr(full, n) is not getattr(unlike, n)
        for n in told
        if n not in ("kept", "last", "curve")
    )
    checkpoint = Checkpoint(path, {})
    checkpoint.keep("a", network, full, timed=False)
    again = checkpoint.restore("a", network, timed=False)
    for name in told:
        np.testing.assert_equal(getattr(again, name), getattr(full, name))


# -- other fits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "data", "words"), [
    ({"max_epochs": 9}, (X, Y), "max_epochs was 8 and is now 9"),
    ({"hidden_width": 8}, (X, Y), "hidden_width was 16 and is now 8"),
    ({"dtype": "float32"}, (X, Y), "dtype was 'float64' and is now 'float32'"),
    ({"coordinate_scaling": "isotropic"}, (X, Y), "coordinate_scaling was 'per_axis' and is"),
    ({"random_state": 1}, (X, Y), "the seed drawn from random_state was .* and is now"),
    ({"dictionary": ["sinc"]}, (X, Y), "fit: dictionary__atoms differs. Give"),
    ({"dictionary": ["sinusoid", Gaussian(scale=2.0)]}, (X, Y), "dictionary__atoms differs"),
    ({"dictionary": ActivationDictionary(PAIR, init=2.0)}, (X, Y),
     "dictionary__init was 'matched' and is now 2.0"),
    ({"search__n_layers": 2}, (X, Y), "fit: search__n_layers was 3 and is now 2. Give"),
    ({"search": FixedSequence("sinusoid")}, (X, Y),
     "fit: search was '.*LayerSearch' and is now '.*FixedSequence'. Give"),
    ({"trainer": Trainer(decay=0.2)}, (X, Y), "trainer__decay was 0.3 and is now 0.2"),
    ({"network": Architecture("siren")}, (X, Y),
     "network__weight_init was 'torch' and is now 'siren'"),
    ({}, (X + 1e-9, Y), "fit: X differs. Give"),
    ({}, (X[:-1], Y[:-1]), "fit: X differs; y differs. Give"),
    ({}, (X, -Y), "fit: y differs. Give another path, or delete the folder to start anew"),
    ({}, (X, Y, np.linspace(1, 2, 64)), "sample_weight differs"),
    ({"max_epochs": 9}, (X, -Y), "max_epochs was 8 and is now 9; y differs"),
])  # fmt: skip
def test_another_fit_is_refused_by_what_is_different(path, trained, change, data, words):
    encoder(path).fit(X, Y)
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    trained.clear()
    with pytest.raises(ValueError, match=f"checkpoint '{path}' is of another fit: .*") as caught:
        encoder(path).set_params(**change).fit(*data)
    assert re.search(words, str(caught.value)), str(caught.value)
    assert trained == []
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("change", [
    {"time_limit": 1e6}, {"n_jobs": 2}, {"verbose": 1}, {"device": "cpu"}, {"warm_start": True},
    {"random_state": None}, {"network": Architecture()}, {"search__n_layers": np.int64(3)},
    {"dictionary": ActivationDictionary([Sinusoid, Gaussian()])},
])  # fmt: skip
def test_what_does_not_change_the_result_may_change(path, trained, change):
    encoder(path).fit(X, Y)
    trained.clear()
    encoder(path).set_params(**change).fit(X, Y)
    assert trained == []


def test_the_same_samples_in_another_guise_are_the_same(path, trained):
    weights = np.linspace(1, 2, 64)
    encoder(path).fit(X, Y, weights)
    trained.clear()
    encoder(path).fit(X.tolist(), Y[:, None], 4 * weights)
    assert trained == []


def test_a_checkpoint_without_candidates_is_of_no_fit_yet(path, trained):
    trained.fail_at(0)
    with pytest.raises(Interrupted):
        encoder(path).fit(X, Y)
    trained.fail_at(None)
    encoder(path, max_epochs=2).fit(X, -Y)
    assert of_fit(path)["max_epochs"] == 2


@pytest.mark.parametrize(("change", "words"), [
    ({"format": 2}, "written by skmire .* in format 2, and this is .* Finish the fit with"),
    ({"skmire": "0.0.1"}, "written by skmire 0.0.1, in .* Or give another path, or delete"),
    ({"fit": 3}, "fit.json' is damaged, or not skmire's .* Give another path, or delete"),
    ({"format": None}, "fit.json' is damaged, or not skmire's"),
])  # fmt: skip
def test_what_another_version_or_program_wrote_is_refused(path, change, words):
    encoder(path).fit(X, Y)
    held = json.loads((path / "fit.json").read_text())
    (path / "fit.json").write_text(json.dumps({**held, **change}))
    with pytest.raises(ValueError, match=words):
        encoder(path).fit(X, Y)
    (path / "fit.json").write_text("{")
    with pytest.raises(ValueError, match="is damaged, or not skmire's"):
        encoder(path).fit(X, Y)


# -- seeds ---------------------------------------------------------------------------------------


def test_without_a_random_state_the_seed_is_drawn_once(path, tmp_path, trained):
    trained.fail_at(2)
    with pytest.raises(Interrupted):
        encoder(path, random_state=None).fit(X, Y)
    trained.fail_at(None)
    seed, n_kept = of_fit(path)["the seed drawn from random_state"], len(candidates(path))
    assert n_kept == 2
    trained.clear()
    one, other = (encoder(path, random_state=None).fit(X, Y) for _ in range(2))
    assert len(trained) == N_TRAININGS["growth"] - n_kept
    assert of_fit(path)["the seed drawn from random_state"] == seed == one._seed
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    fresh = encoder(tmp_path / "other", random_state=None).fit(X, Y)
    assert not np.array_equal(fresh.predict(X), one.predict(X))


def test_a_random_state_instance_counts_by_what_it_draws(path, trained):
    encoder(path, random_state=np.random.RandomState(3)).fit(X, Y)
    trained.clear()
    state = np.random.RandomState(3)
    encoder(path, random_state=state).fit(X, Y)
    assert trained == []
    with pytest.raises(ValueError, match="the seed drawn from random_state"):
        encoder(path, random_state=state).fit(X, Y)  # it has moved on


# -- files ---------------------------------------------------------------------------------------


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


class Trap:
    """What a pickle must not get to do."""

    def __reduce__(self):
        return os.abort, ()


def pickled(content):
    return pickle.dumps(Trap())


def with_objects(content, file="objects.npz"):
    np.savez(file, **{"kept.train": np.array([Trap()], dtype=object)})
    return Path(file).read_bytes()


@pytest.mark.parametrize("damage", [
    lambda content: b"", lambda content: content[:100], lambda content: content[:-1],
    lambda content: b"no zip file", flipped, pickled, with_objects,
], ids=["empty", "cut", "short of a byte", "garbage", "a bit", "a pickle", "objects"])  # fmt: skip
def test_a_damaged_candidate_is_trained_anew(path, trained, caplog, monkeypatch, tmp_path, damage):
    monkeypatch.chdir(tmp_path)
    first = encoder(path).fit(X, Y)
    file = candidates(path)[2]
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    trained.clear()
    again = encoder(path).fit(X, Y)
    assert len(trained) == 1
    assert f"{file} is damaged" in caplog.text
    assert difference(first.search_result_, again.search_result_) == ""
    encoder(path).fit(X, Y)
    assert len(trained) == 1  # it has been written anew


def test_a_candidate_of_another_network_is_trained_anew(path, trained, caplog):
    first = encoder(path).fit(X, Y)
    sizes = {file: file.stat().st_size for file in candidates(path)}
    small, large = min(sizes, key=sizes.get), max(sizes, key=sizes.get)
    large.write_bytes(small.read_bytes())
    trained.clear()
    again = encoder(path).fit(X, Y)
    assert len(trained) == 1
    assert "another network" in caplog.text
    assert difference(first.search_result_, again.search_result_) == ""


def failing(name, error, *, after=0):
    """Return `os`'s function of this name, which fails from some call on."""
    real, calls = getattr(os, name), []

    def call(*args):
        calls.append(args)
        if len(calls) > after:
            raise error
        return real(*args)

    return call


FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch, name):
    file = tmp_path / "a"
    _checkpoint._write(file, lambda opened: opened.write(b"old"))
    monkeypatch.setattr(os, name, failing(name, FULL))
    with pytest.raises(OSError, match="No space"):
        _checkpoint._write(file, lambda opened: opened.write(b"new, and half of it"))
    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_file_is_on_the_disk_before_it_is_in_place(tmp_path, monkeypatch):
    order = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, real=real, name=name: (order.append(name), real(*args))
        )
    _checkpoint._write(tmp_path / "a", lambda opened: opened.write(b"new"))
    assert order == ["fsync", "replace"]


def test_two_that_write_the_same_file_leave_one_of_them(tmp_path):
    contents = [bytes([i]) * 300_000 for i in range(4)]

    def write(content):
        for _ in range(20):
            _checkpoint._write(tmp_path / "a", lambda opened: opened.write(content))

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if (tmp_path / "a").exists():
            assert (tmp_path / "a").read_bytes() in contents
    for thread in threads:
        thread.join()
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_disk_that_fills_up_is_an_error_and_nothing_is_lost(path, trained, monkeypatch, n_jobs):
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", failing("fsync", FULL, after=3))
        with pytest.raises(OSError, match=r"checkpoint '.*fit' cannot be .*No space left.* kept"):
            encoder(path, n_jobs=n_jobs).fit(X, Y)
    assert len(candidates(path)) == 2
    trained.clear()
    encoder(path).fit(X, Y)
    assert len(trained) == N_TRAININGS["growth"] - 2


@pytest.mark.parametrize("finished_before", [False, True])
def test_a_folder_that_cannot_be_written_is_known_before_training(
    path, trained, monkeypatch, finished_before
):
    if finished_before:
        encoder(path, max_epochs=2).fit(X, Y)
    trained.clear()
    denied = PermissionError(13, "Permission denied")
    monkeypatch.setattr(os, "fsync", failing("fsync", denied))
    with pytest.raises(PermissionError, match=r"cannot be .*: Permission denied\. Make"):
        encoder(path, max_epochs=2).fit(X, Y)
    assert trained == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_without_permission_is_known_before_training(tmp_path, trained):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(PermissionError, match="cannot be read or written"):
        encoder(tmp_path / "closed" / "fit").fit(X, Y)
    assert trained == []


@pytest.mark.parametrize("where", ["", "file", "file/fit"])
def test_what_is_no_folder_is_refused_before_training(tmp_path, monkeypatch, trained, where):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    with pytest.raises((ValueError, OSError), match=r"must be a folder|Not a directory"):
        encoder(where).fit(X, Y)
    assert trained == []
    assert (tmp_path / "file").read_text() == "mine"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_is_made_and_what_else_is_in_it_stays(tmp_path):
    path = tmp_path / "deep" / "fit"
    path.mkdir(parents=True)
    (path / "notes.part").write_text("mine")
    (path / "candidates").mkdir()
    encoder(path).fit(X, Y)
    assert sorted(os.listdir(path)) == ["candidates", "fit.json", "notes.part"]


def test_what_a_killed_fit_left_goes_and_what_another_is_writing_stays(path):
    (path / "candidates").mkdir(parents=True)
    left = path / "candidates" / "abc.npz.0.part", path / "fit.json.0.part"
    written = path / "candidates" / "def.npz.1.part", path / "fit.json.1.part"
    for part in (*left, *written):
        part.write_text("half of it")
    for part in left:
        os.utime(part, (time.time() - 7_200,) * 2)
    Checkpoint.opened(path, {})
    assert set(path.rglob("*.part")) == set(written)


def test_a_relative_path_is_one_from_where_the_fit_began(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    class Mover(TwoBells):
        def search(self, problem, trainer):
            (tmp_path / "away").mkdir()
            os.chdir(tmp_path / "away")
            return super().search(problem, trainer)

    encoder("fit", Mover()).fit(X, Y)
    assert len(candidates(tmp_path / "fit")) == 2


def test_a_tilde_is_the_users_own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    encoder("~/fit").fit(X, Y)
    assert os.listdir(tmp_path) == ["home"]
    assert candidates(tmp_path / "home" / "fit")


# -- limits and callbacks ------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:The time limit of")  # on a busy machine
def test_a_candidate_that_a_time_limit_cut_short_is_not_kept(path, trained):
    short = encoder(path, max_epochs=10**6, time_limit=0.2).fit(X, Y)
    assert set(short.search_results_["outcome"]) == {"time limit"}
    assert candidates(path) == []
    long = encoder(path, time_limit=1e6).fit(X, Y)
    assert set(long.search_results_["outcome"]) == {"completed"}
    trained.clear()
    again = encoder(path, time_limit=1e5).fit(X, Y)
    assert trained == []
    assert difference(long.search_result_, again.search_result_) == ""


@pytest.mark.parametrize("atom", ["gaussian", FunctionAtom(lambda z: z * float("nan"))])
def test_a_training_says_whether_it_was_cut_short(atom):
    class Stopper(WatchedTask):
        def start(self, name, **options):
            return Stopper(self._log, stop=True, name=name)

    def train(task, seconds=None):
        return train_candidate(
            problem(), Trainer(), [ActivationDictionary([atom]).resolve().popitem()[1]],
            epochs=9, seconds=seconds, seed=0, task=task,
        )[1]  # fmt: skip

    assert train(Stopper(Log())).cut_short
    assert train(WatchedTask(Log()), seconds=1e-9).cut_short
    assert not train(WatchedTask(Log())).cut_short


class Stopper:
    """A callback that ends the training after an epoch, or what else is called so."""

    def __init__(self, name):
        self.name, self.begun, self.ended = name, [], []

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.begun.append(context.task_name)

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.ended.append(context.task_name)
        return context.task_name == self.name


def test_a_candidate_that_a_callback_stopped_is_not_kept(path, trained):
    encoder(path).set_callbacks(Stopper("epoch")).fit(X, Y)
    assert candidates(path) == []
    trained.clear()
    fit = encoder(path).fit(X, Y)
    assert len(trained) == N_TRAININGS["growth"]
    assert difference(fit.search_result_, encoder().fit(X, Y).search_result_) == ""


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("name", [None, "candidate sinusoid", "layer 2"])
def test_a_candidate_from_the_checkpoint_begins_and_ends_its_task(path, trained, name, n_jobs):
    first = encoder().set_callbacks(Stopper(name)).fit(X, Y)
    encoder(path).fit(X, Y)
    trained.clear()
    watcher = Stopper(name)
    fit = encoder(path, n_jobs=n_jobs).set_callbacks(watcher).fit(X, Y)
    if name is None:
        assert trained == []
        assert watcher.begun.count("candidate sinusoid") == 3
    assert watcher.begun.count("epoch") == sum(trained)
    assert sorted(watcher.begun) == sorted(watcher.ended)
    assert difference(fit.search_result_, first.search_result_) == ""


def test_scikit_learns_callbacks_follow_a_fit_that_is_taken_from_its_checkpoint(path, capsys):
    monitor = ScoringMonitor(scoring="r2")
    fit = encoder(path).fit(X, Y)
    encoder(path).set_callbacks(monitor, ProgressBar()).fit(X, Y)
    rows = monitor.get_logs().data_as_pandas
    assert rows[rows["task_name"] == "fit"]["r2"].tolist() == [fit.score(X, Y)]
    assert "layer 3" in capsys.readouterr().out


# -- the encoder ---------------------------------------------------------------------------------


def test_an_encoder_with_a_checkpoint_is_copied_and_saved_like_any(path):
    fit = encoder(path).fit(X, Y)
    for other in (clone(fit), pickle.loads(pickle.dumps(fit))):
        assert other.get_params()["checkpoint"] == path
    opened = pickle.loads(pickle.dumps(fit))
    np.testing.assert_array_equal(opened.predict(X), fit.predict(X))
    for file in path.rglob("*.*"):
        file.unlink()
    np.testing.assert_array_equal(opened.predict(X), fit.predict(X))  # it needs none of them
    assert encoder().set_params(checkpoint=str(path)).checkpoint == str(path)
    assert str(path) in repr(encoder(str(path)))


def test_going_on_leaves_the_checkpoint_alone(path, trained):
    fit = encoder(path, warm_start=True).fit(X, Y)
    before = {file: file.read_bytes() for file in path.rglob("*.*")}
    fit.fit(X, Y).partial_fit(X[:30], 2 * Y[:30])
    assert {file: file.read_bytes() for file in path.rglob("*.*")} == before
    trained.clear()
    first = encoder(path).partial_fit(X, Y)  # the first batch is a fit
    assert trained == []
    assert first.n_iter_ == encoder().fit(X, Y).n_iter_


def test_fits_of_other_folds_are_refused(path):
    with pytest.raises(ValueError, match="is of another fit: X differs"):
        cross_val_score(encoder(path), X, Y, cv=2, error_score="raise")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_verbose_tells_how_many_were_finished_before(path, caplog, n_jobs):
    caplog.set_level("INFO")
    encoder(path).fit(X, Y)
    assert caplog.text == ""
    for file in candidates(path)[:2]:
        file.unlink()
    encoder(path, verbose=1, n_jobs=n_jobs).fit(X, Y)
    assert f"checkpoint {path}: 4 candidates finished before" in caplog.text
    assert f"checkpoint {path}: 2 candidates added" in caplog.text


def test_what_lies_ahead_does_not_count_what_was_finished_before(path, caplog):
    caplog.set_level("INFO")
    forecast = re.compile(r"([\w ]+): (\d+) networks? of .* about ([^ ]+) s(.*)")

    def told():
        caplog.clear()
        encoder(path, SEARCHES["lookahead"], verbose=1).fit(X, Y)
        return [m.groups() for m in map(forecast.fullmatch, caplog.messages) if m]

    for _, n_ahead, seconds, words in told():
        assert int(n_ahead) > 0
        assert float(seconds) > 0
        assert words == ""
    in_order = sorted(candidates(path), key=lambda file: file.stat().st_mtime_ns)
    in_order[0].unlink()  # of the first round
    in_order[-1].unlink()  # the fit
    first, last = told()
    assert (first[0], first[1], first[3]) == ("layer 1", "1", "; 1 finished before")
    assert (last[0], last[1], last[3]) == ("fit", "1", "")
    assert float(last[2]) > 0
    between = [line for line in caplog.messages if line.endswith("finished before")][2:]
    assert between  # without a forecast, as there is nothing to do
    for line in between:
        assert re.fullmatch(r"[\w ]+: (1 network|\d+ networks) finished before", line)
    assert "fit: 1 network of 16 units" in caplog.text


def test_without_a_checkpoint_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder().fit(X, Y)
    assert os.listdir(tmp_path) == []


def test_what_a_function_remembers_of_its_use_is_no_part_of_it():
    class Squares:
        @cached_property
        def table(self):
            return [n**2 for n in range(3)]

        def __call__(self, z):
            return z * self.table[2]

    def countdown(n):
        return n if n == 0 else countdown(n - 1)  # encloses itself

    def unfinished(z):
        return later(z)

    squares = Squares()
    before = digest([squares, countdown, unfinished])  # what `later` is to be is not known
    assert squares(2) == 8
    assert countdown(3) == 0
    assert digest([squares, countdown, unfinished]) == before
    later = abs
    assert digest([squares, countdown, unfinished]) != before


def test_equal_digests_need_equal_things():
    things = [
        1, 1.5, "1", None, True, [1], [1, 2], {"a": 1}, {"a": 2}, np.ones(2), np.ones(3),
        np.ones(2, "f4"), np.ones((2, 1)), np.array([None]), torch.zeros(2), torch.zeros(2).int(),
        Trainer(), Trainer(tol=0.5), Trainer, Sinusoid(), Sinusoid(frequency=2.0), {5, 6}, {5, 7},
        torch.sin, torch.cos, Sinusoid().values, os.PathLike,
    ]  # fmt: skip
    assert len({digest(thing) for thing in things}) == len(things)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
