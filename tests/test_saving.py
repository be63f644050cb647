"""Fitted encoders that are copied, saved and opened again."""

import copy
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import skops.io
import torch
from onnx.reference import ReferenceEvaluator

from skmire import ActivationDictionary, FixedSequence, LayerSearch, MIREncoder
from skmire.atoms import PSWF, Sinusoid, VariablePeriodic
from skmire.encoders import _saving
from skmire.measurements import LineIntegrals

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(80, 2)) * [3e3, 0.04] + [5e6, -2.0]
Y = np.sin((X[:, 0] - 5e6) / 500) * (X[:, 1] + 2) / 0.04


def encoder(**options):
    defaults = {
        "dictionary": ActivationDictionary(["sinusoid", "gaussian"], init="unit"),
        "search": LayerSearch(2),
        "hidden_width": 16,
        "max_epochs": 4,
        "dtype": "float64",
        "random_state": 0,
    }
    return MIREncoder(**{**defaults, **options})


@pytest.fixture(scope="module")
def fitted():
    return encoder().fit(X, Y)


def through_joblib(fit, folder):
    joblib.dump(fit, folder / "model.joblib")
    return joblib.load(folder / "model.joblib")


@pytest.mark.parametrize(
    "carry",
    [
        lambda fit, folder: pickle.loads(pickle.dumps(fit)),
        through_joblib,
        lambda fit, folder: copy.deepcopy(fit),
    ],
    ids=["pickle", "joblib", "deepcopy"],
)
@pytest.mark.parametrize("atoms", [["sinusoid", "gaussian"], ["complex_gabor", "pswf"]])
def test_copies_are_exact(carry, atoms, tmp_path):
    fit = encoder(dictionary=atoms, search=FixedSequence(atoms)).fit(X, Y)
    other = carry(fit, tmp_path)
    np.testing.assert_array_equal(other.predict(X), fit.predict(X))
    np.testing.assert_array_equal(other.gradient(X), fit.gradient(X))
    np.testing.assert_equal(other.search_results_, fit.search_results_)
    assert other.fit(X, Y).predict(X).tolist() == fit.predict(X).tolist()


def test_a_pickled_network_holds_no_tensors(fitted):
    held = pickle.dumps(fitted.network_)
    assert b"_rebuild_tensor" not in held
    assert b"_rebuild_parameter" not in held
    assert b"_rebuild_tensor" in pickle.dumps(torch.zeros(2))  # what it would look like
    for module in fitted.network_.modules():
        if hasattr(type(module), "__getstate__") and module._parameters:
            state = module.__getstate__()["_parameters"].values()
            assert not any(isinstance(part, torch.Tensor) for held in state for part in held)


def test_a_pickled_model_answers_in_another_process(fitted, tmp_path):
    joblib.dump(fitted, tmp_path / "model.joblib")
    np.save(tmp_path / "X.npy", X)
    code = (
        "import joblib, numpy as np\n"
        "y = joblib.load('model.joblib').predict(np.load('X.npy'))\n"
        "np.save('y.npy', y)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), fitted.predict(X), rtol=1e-12)


# -- formats -------------------------------------------------------------------------------------


@pytest.fixture
def from_the_future(fitted, monkeypatch):
    """Return a function that saves the encoder as a later version would."""

    def saved(save):
        with monkeypatch.context() as later:
            later.setattr(_saving, "FORMAT", _saving.FORMAT + 1)
            later.setattr(_saving, "version", lambda package: "99.1")
            return save(fitted)

    return saved


def test_a_model_from_before_there_were_measurements_opens(fitted):
    state = fitted.__getstate__()
    for name in ("measurement_", "_readout", "_measured_ndim"):
        del state[name]
    settled = {k: v for k, v in state["_settled"].items() if k != "measurement"}
    state |= {"_settled": settled, _saving._STAMP: {"format": 1}}
    older = MIREncoder.__new__(MIREncoder)
    older.__setstate__(state)
    np.testing.assert_array_equal(older.predict(X), fitted.predict(X))
    np.testing.assert_array_equal(older.field_at(X), fitted.predict(X))
    np.testing.assert_array_equal(older.gradient(X), fitted.gradient(X))
    further, expected = (copy.deepcopy(fit).partial_fit(X, Y) for fit in (older, fitted))
    np.testing.assert_array_equal(further.predict(X), expected.predict(X))


def test_a_model_of_lines_from_before_they_had_a_bound_goes_on():
    lines = np.stack(np.meshgrid([0.0, 1.0], [-1.0, 0.0, 0.5]), axis=-1).reshape(-1, 2)
    fit = MIREncoder(
        search=FixedSequence("gaussian", 1), measurement=LineIntegrals(n_nodes=4), hidden_width=8,
        max_epochs=2, random_state=0,
    ).fit(lines, np.arange(6.0))  # fmt: skip
    state = copy.deepcopy(fit).__getstate__()
    del vars(state["measurement_"])["nonnegative"]
    settled = {k: v for k, v in state["_settled"]["measurement"].items() if k != "nonnegative"}
    state |= {"_settled": {**state["_settled"], "measurement": settled}}
    state[_saving._STAMP] = {"format": 2}
    older = MIREncoder.__new__(MIREncoder)
    older.__setstate__(state)
    np.testing.assert_array_equal(older.field_at(lines), fit.field_at(lines))
    older.partial_fit(lines, np.arange(6.0))
    np.testing.assert_array_equal(
        older.predict(lines), fit.partial_fit(lines, np.arange(6.0)).predict(lines)
    )


def test_a_model_from_before_partial_fit_was_one_row_goes_on(fitted):
    state = fitted.__getstate__()
    state |= {"search_results_": {}, "loss_curve_": [], _saving._STAMP: {"format": 3}}
    older = MIREncoder.__new__(MIREncoder)
    older.__setstate__(state)
    assert vars(older).keys() == vars(fitted).keys()
    assert older.partial_fit(X, Y).loss_curve_[:-1] == fitted.loss_curve_


NEWER = "saved by skmire 99.1 in format 5, but skmire .* reads formats up to 4. Open it with"


def test_files_of_a_newer_format_are_refused_with_a_sentence(from_the_future, tmp_path):
    with pytest.raises(ValueError, match=NEWER):
        pickle.loads(from_the_future(pickle.dumps))
    from_the_future(lambda fit: joblib.dump(fit, tmp_path / "model.joblib"))
    with pytest.raises(ValueError, match=NEWER):
        joblib.load(tmp_path / "model.joblib")
    held = from_the_future(skops.io.dumps)
    with pytest.raises(ValueError, match=NEWER):
        skops.io.loads(held, trusted=skops.io.get_untrusted_types(data=held))


def test_the_format_is_told_before_the_state_is_read(fitted, from_the_future):
    # A newer state may hold classes that this version has not got.
    held = from_the_future(pickle.dumps).replace(b"LayerStack", b"LayerStuck")
    with pytest.raises(ValueError, match=NEWER):
        pickle.loads(held)
    with pytest.raises(AttributeError, match="LayerStuck"):  # what it would be else
        pickle.loads(pickle.dumps(fitted).replace(b"LayerStack", b"LayerStuck"))


def test_the_stamp_is_no_attribute(fitted):
    assert vars(pickle.loads(pickle.dumps(fitted))).keys() == vars(fitted).keys()


# -- skops ---------------------------------------------------------------------------------------

# What the user guide tells users to trust, beside the atoms of the sequence.
TRUSTED = [
    "skmire._domain.Domain",
    "skmire.atoms._dictionary.ActivationDictionary",
    "skmire.encoders._mirencoder.MIREncoder",
    "skmire.measurements._point_values.PointValues",
    "skmire.measurements._readout.Readout",
    "skmire.networks._affine.Affine",
    "skmire.networks._layer_stack.LayerStack",
    "skmire.scaling.Scaling",
    "skmire.search._layer_search.LayerSearch",
    "skmire.search._result.Candidate",
    "skmire.search._result.SearchResult",
    "skmire.training._record.Evaluation",
    "skmire.training._trainer.Trainer",
    "skmire.training._record.Training",
    "torch.nn.modules.container.ModuleList",
]


def test_skops_brings_the_fit_back(fitted):
    held = skops.io.dumps(fitted)
    atoms = [f"skmire.atoms._{name}.{name.title()}" for name in set(fitted.activations_)]
    assert set(skops.io.get_untrusted_types(data=held)) <= {*TRUSTED, *atoms}
    opened = skops.io.loads(held, trusted=[*TRUSTED, *atoms])
    np.testing.assert_array_equal(opened.predict(X), fitted.predict(X))
    np.testing.assert_array_equal(opened.gradient(X), fitted.gradient(X))
    assert opened.get_params().keys() == fitted.get_params().keys()


@pytest.mark.parametrize("atom", [
    *ActivationDictionary().names, "complex_gabor", "relu",
    PSWF(c=9.0, order=2), VariablePeriodic(Sinusoid()), Sinusoid(frequency=3.0),
], ids=str)  # fmt: skip
def test_skops_carries_every_atom(atom):
    fit = encoder(search=FixedSequence([atom])).fit(X, Y)
    held = skops.io.dumps(fit)
    opened = skops.io.loads(held, trusted=skops.io.get_untrusted_types(data=held))
    np.testing.assert_array_equal(opened.predict(X), fit.predict(X))
    np.testing.assert_array_equal(opened.fit(X, Y).predict(X), fit.predict(X))


def test_skops_refuses_what_is_not_trusted(fitted):
    with pytest.raises(TypeError, match=r"skmire.encoders._mirencoder.MIREncoder"):
        skops.io.loads(skops.io.dumps(fitted), trusted=[])


# -- other programs ------------------------------------------------------------------------------


def test_a_network_of_all_atoms_runs_as_onnx(tmp_path):
    X = np.random.default_rng(0).uniform(0, 10, (60, 2))
    search = FixedSequence(ActivationDictionary().names)
    fit = MIREncoder(search=search, hidden_width=16, max_epochs=3, random_state=0)
    fit.fit(X, 50 + X[:, 0] * np.sin(X[:, 1]))
    file = str(tmp_path / "fit.onnx")
    torch.onnx.export(
        fit.to_torch().eval(),
        (torch.tensor(X[:2], dtype=torch.float32),),
        file,
        input_names=["coords"],
        output_names=["values"],
        dynamic_shapes=({0: torch.export.Dim("n")},),
        verbose=False,
    )
    (values,) = ReferenceEvaluator(file).run(None, {"coords": X.astype(np.float32)})
    assert values.shape == (60,)
    assert np.ptp(values) > 1
    np.testing.assert_allclose(values, fit.predict(X), rtol=1e-6, atol=1e-4)
