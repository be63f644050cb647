"""The classifier of points: labels, probabilities, volumes and surfaces."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from scipy.special import expit
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning

from skmire import (
    ActivationDictionary,
    Architecture,
    FixedSequence,
    LayerSearch,
    MIREncoder,
    OccupancyEncoder,
    Trainer,
)
from skmire.atoms import Gaussian
from skmire.datasets import grid_samples
from skmire.encoders._volumes import _bandwidth
from skmire.metrics import eikonal_residual, iou, iou_scorer
from skmire.shapes import level_set_mesh, sample_volume
from skmire.testing._search_setting import Log, Stopped, WatchedTask, trainings
from skmire.training import Samples
from skmire.training._evaluate import evaluation

RNG = np.random.default_rng(0)
X = RNG.uniform([-1, 10], [1, 30], size=(400, 2))
INSIDE = X[:, 0] ** 2 + ((X[:, 1] - 20) / 10) ** 2 < 0.5


def encoder(dictionary=None, **options):
    options = {
        "search": FixedSequence("gaussian", n_layers=2),
        "trainer": Trainer(learning_rate=1e-2),
        "hidden_width": 16,
        "max_epochs": 20,
        "random_state": 0,
        "dtype": "float64",
        **options,
    }
    return OccupancyEncoder(dictionary, **options)


FITTED = {loss: encoder(loss=loss).fit(X, INSIDE) for loss in ("squared", "logistic")}
EACH_LOSS = pytest.mark.parametrize("loss", FITTED)


@EACH_LOSS
def test_answers_agree_with_each_other(loss):
    fit = FITTED[loss]
    decision, proba = fit.decision_function(X), fit.predict_proba(X)
    expected = expit(decision) if loss == "logistic" else np.clip((decision + 1) / 2, 0, 1)
    np.testing.assert_array_equal(proba[:, 1], expected)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(fit.predict(X), proba[:, 1] > 0.5)
    assert fit.predict(X).dtype == bool
    assert fit.iou_ == iou(INSIDE, fit.predict(X))
    assert fit.score(X, INSIDE) == np.mean(fit.predict(X) == INSIDE)
    assert fit.score(X, INSIDE) > 0.9


@EACH_LOSS
def test_the_trace_has_the_iou_of_every_candidate(loss, tmp_path):
    weights = RNG.uniform(0, 2, len(X))
    fit = encoder(loss=loss).fit(X, INSIDE, sample_weight=weights)
    assert fit.search_results_["iou"].tolist() == pytest.approx([fit.iou_])
    assert fit.iou_ == pytest.approx(iou(INSIDE, fit.predict(X), sample_weight=weights))
    searching = encoder(["gaussian", "sinusoid"], search=LayerSearch(1), checkpoint=tmp_path)
    found, again = (clone(searching).fit(X, INSIDE).search_results_["iou"] for _ in range(2))
    assert len(found) > 3
    assert ((found >= 0) & (found <= 1)).all()  # a few epochs may find nothing inside
    assert found[-1] > 0.8
    np.testing.assert_array_equal(again, found)
    assert "iou" not in MIREncoder(search=FixedSequence("gaussian")).fit(X, X[:, 0]).search_results_


def test_it_is_that_of_samples_held_out_where_there_are_any():
    grid = torch.linspace(-1, 1, 80, dtype=torch.float64)[:, None]
    step = torch.where(grid > 0.3, 0.9, -0.4)
    kept, held_out = Samples(grid, step, level=0.25).split(0.3, torch.Generator().manual_seed(0))
    network = Architecture().build(
        [Gaussian(scale=3.0)], in_features=1, out_features=1, hidden_width=8,
        generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    )  # fmt: skip
    state = Trainer(learning_rate=1e-2).train(
        network, kept, held_out, epochs=15, seconds=None,
        generator=torch.Generator().manual_seed(0), task=WatchedTask(Log()),
    ).kept  # fmt: skip
    nothing = Samples(grid, -torch.ones_like(grid), level=0.25)
    assert np.isnan(evaluation(lambda inputs: 0 * inputs, nothing, None, loss="squared").iou)
    for part, same in ((held_out, True), (kept, False)):
        found = network(part.inputs).detach() > 0.25
        assert (iou(part.targets > 0.25, found) == state.iou) is same


@EACH_LOSS
def test_derivatives_are_those_of_the_decision_function(loss):
    fit, step = FITTED[loss], np.array([1e-5, 1e-4])
    for k, move in enumerate(np.diag(step)):
        change = fit.decision_function(X + move) - fit.decision_function(X - move)
        np.testing.assert_allclose(
            fit.gradient(X)[:, k], change / (2 * step[k]), rtol=1e-4, atol=1e-5
        )


@EACH_LOSS
@pytest.mark.parametrize("names", [("out", "within"), (0, 1), (-7.0, 3.0)])
def test_labels_may_be_called_anything(loss, names):
    labels = np.where(INSIDE, names[1], names[0])
    fit = encoder(loss=loss).fit(X, labels)
    assert fit.classes_.tolist() == list(names)
    np.testing.assert_array_equal(fit.predict(X) == names[1], FITTED[loss].predict(X))
    np.testing.assert_array_equal(fit.decision_function(X), FITTED[loss].decision_function(X))


@EACH_LOSS
def test_probabilities_are_shares_of_labels(loss):
    """Where labels are drawn with a probability, the fit should find it."""
    x = np.linspace(0, 1, 4_000)[:, None]
    p = 0.1 + 0.8 * x[:, 0]
    y = np.random.default_rng(1).uniform(size=len(x)) < p
    fit = encoder(loss=loss, max_epochs=30, network=None).fit(x, y)
    assert np.abs(fit.predict_proba(x)[:, 1] - p).mean() < 0.05


def test_weights_of_classes_multiply_those_of_samples():
    w = RNG.uniform(0.5, 2, size=len(X))
    given = encoder(class_weight={False: 3.0, True: 0.5}).fit(X, INSIDE, w)
    same = encoder().fit(X, INSIDE, w * np.where(INSIDE, 0.5, 3.0))
    np.testing.assert_allclose(given.decision_function(X), same.decision_function(X), atol=1e-9)
    assert given.iou_ == pytest.approx(iou(INSIDE, given.predict(X), sample_weight=w))
    balanced = encoder(class_weight="balanced").fit(X, INSIDE)
    alike = encoder().fit(X, INSIDE, np.where(INSIDE, 1 / INSIDE.sum(), 1 / (~INSIDE).sum()))
    np.testing.assert_allclose(balanced.decision_function(X), alike.decision_function(X), atol=1e-9)


def test_batches_are_not_balanced_one_by_one():
    balanced = encoder(class_weight="balanced")
    with pytest.raises(ValueError, match='"balanced" is not for partial_fit, as each batch would'):
        balanced.partial_fit(X, INSIDE)
    assert not hasattr(balanced, "network_")


@EACH_LOSS
def test_fits_are_saved_and_go_on(loss):
    fit = FITTED[loss]
    again = pickle.loads(pickle.dumps(fit))
    np.testing.assert_array_equal(again.predict_proba(X), fit.predict_proba(X))
    further = clone(fit).set_params(warm_start=True).fit(X, INSIDE)
    before = further.best_loss_
    further.fit(X, INSIDE)
    assert further.n_iter_ == 2 * fit.n_iter_
    assert further.best_loss_ < before
    further.partial_fit(X[INSIDE][:50], INSIDE[INSIDE][:50])  # one label is enough from now on
    assert further.n_iter_ == 2 * fit.n_iter_ + 1
    with pytest.raises(ValueError, match="so loss cannot change: it was"):
        further.set_params(loss="squared" if loss == "logistic" else "logistic").fit(X, INSIDE)
    with pytest.raises(ValueError, match=r"classes must be the labels of the first batch"):
        further.partial_fit(X, INSIDE, classes=[0, 1, 2])


@pytest.mark.parametrize(
    ("options", "y", "match"),
    [
        ({}, X[:, 0], r"needs labels of two kinds\..* Of a density, take what is above"),
        ({}, np.arange(400) % 3, r"Only binary classification is supported.*y has 3 classes"),
        ({}, np.ones(400), r"needs samples of two classes; those that count have one class only"),
        ({}, None, r"requires y to be passed, but the target y is None"),
        ({}, np.where(INSIDE, np.nan, 1), r"Input y contains NaN or infinity"),
        ({"trainer": Trainer(loss="huber")}, INSIDE, r"has a loss of its own, loss='squared'"),
        ({"class_weight": {False: 0, True: 1}}, INSIDE, r"must be above 0 for both classes"),
        ({"loss": "hinge"}, INSIDE, r"The 'loss' parameter of OccupancyEncoder"),
    ],
)
def test_what_cannot_be_fitted_is_refused(options, y, match):
    fit = encoder(**options)
    with pytest.raises(ValueError, match=match):
        fit.fit(X, y)
    assert not hasattr(fit, "classes_")


def test_labels_unknown_to_the_fit_are_refused():
    fit = pickle.loads(pickle.dumps(FITTED["squared"]))
    with pytest.raises(ValueError, match=r"labels that the encoder was not fitted with: \[5\]"):
        fit.partial_fit(X, np.where(INSIDE, 5, 0))
    np.testing.assert_array_equal(fit.predict(X), FITTED["squared"].predict(X))


# -- volumes -------------------------------------------------------------------------------------

AXES = [np.linspace(-1, 1, 24), np.linspace(-1.5, 1.5, 30), np.linspace(-1, 1, 24)]
PLACES = np.stack(np.meshgrid(*AXES, indexing="ij"), axis=-1)
BALL = np.square(PLACES).sum(axis=-1) < 0.7**2
SOLID = encoder(hidden_width=32, max_epochs=12, dtype="float32").fit_volume(BALL, n_samples=8_000)


def test_a_volume_that_is_taken_whole_is_its_table():
    volume = BALL[:, :, 11]
    fit = encoder(max_epochs=3).fit_volume(volume)
    coords, labels = grid_samples(volume)
    table = encoder(max_epochs=3).fit(coords, labels.astype(bool).ravel())
    np.testing.assert_allclose(fit.bandwidth_, table.bandwidth_, rtol=1e-9)
    np.testing.assert_allclose(
        fit.predict_volume(volume.shape, response_method="decision_function").ravel(),
        table.decision_function(coords),
        atol=1e-6,
    )


def test_part_of_a_volume_gives_the_whole():
    found = SOLID.predict_volume(BALL.shape)
    assert found.shape == BALL.shape
    assert found.dtype == bool
    assert iou(BALL, found) > 0.9
    assert SOLID.iou_ == pytest.approx(iou(BALL, found), abs=0.03)


def test_a_mesh_ends_where_voxels_do_and_not_at_their_centres():
    solid = np.ones((12, 12, 12), bool)
    solid[6:, 6:] = False  # of two blocks, both up to all sides
    fit = encoder(hidden_width=32, max_epochs=60, dtype="float32").fit_volume(solid)
    assert fit.iou_ == 1
    mesh = fit.to_mesh(40)
    assert mesh.vertices.min() == pytest.approx(-0.5, abs=0.01)
    assert mesh.vertices.max() == pytest.approx(11.5, abs=0.01)
    assert mesh.volume == pytest.approx(np.count_nonzero(solid), rel=0.05)
    inner = fit.to_mesh(40, box=[[0, 11]] * 3)
    assert inner.vertices.min() == pytest.approx(0, abs=0.01)


def test_meshes_and_volumes_reach_as_far_as_samples_whatever_the_scaling():
    rng = np.random.default_rng(0)
    coords = rng.uniform([0, 0, 0], [10, 2, 2], size=(2_000, 3))
    inside = (((coords - [5, 1, 1]) / [4, 0.8, 0.8]) ** 2).sum(axis=1) < 1
    for kind in ("per_axis", "isotropic"):
        fit = encoder(coordinate_scaling=kind, hidden_width=32, max_epochs=40).fit(coords, inside)
        assert fit.predict_volume(41).shape == (41, 9, 9)
        mesh = fit.to_mesh(40)
        assert mesh.volume == pytest.approx(4 / 3 * np.pi * 4 * 0.8**2, rel=0.15)


def test_a_mesh_of_a_fit_to_a_frame_asks_no_names():
    frame = pd.DataFrame(PLACES.reshape(-1, 3)[::7], columns=["x", "y", "z"])
    fit = encoder(hidden_width=32, max_epochs=30).fit(frame, BALL.ravel()[::7])
    assert len(fit.to_mesh(12).faces) > 0


@pytest.mark.parametrize("labels", [(False, True), (1, 2), ("in", "out")])
def test_the_scorer_knows_which_label_is_inside(labels):
    fit = encoder(max_epochs=3).fit(X, np.array(labels)[INSIDE.astype(int)])
    found = fit.predict(X) == labels[1]
    assert iou_scorer(fit, X, np.array(labels)[INSIDE.astype(int)]) == iou(INSIDE, found)
    weights = np.arange(len(X)) % 3
    scored = iou_scorer(fit, X, np.array(labels)[INSIDE.astype(int)], sample_weight=weights)
    assert scored == iou(INSIDE, found, sample_weight=weights)


@pytest.mark.parametrize(
    "places", [np.linspace(95.0, 0.0, 20), np.geomspace(1.0, 50.0, 20)], ids=["falling", "uneven"]
)
def test_the_voxels_of_an_array_come_back_wherever_they_are(places):
    inside = np.arange(20)[:, None] + np.arange(15) < 14
    volume = xr.DataArray(inside, coords={"y": places, "x": np.arange(15)}, dims=("y", "x"))
    fit = encoder(max_epochs=60).fit_volume(volume)
    assert fit.iou_ > 0.9
    assert iou(inside, fit.predict_volume(volume.shape)) == pytest.approx(fit.iou_)
    assert fit.predict_volume(volume.shape, box=[[0, 95], [0, 14]]).shape == volume.shape
    fit.fit(X, INSIDE)  # of no grid
    assert not hasattr(fit, "volume_axes_")


def test_the_iou_of_a_part_is_that_of_the_whole_not_of_the_samples():
    noise = RNG.uniform(size=(60, 60)) < 0.5
    by_heart = ActivationDictionary(["gaussian"], init="base")
    fit = encoder(by_heart, hidden_width=64, max_epochs=60).fit_volume(noise, n_samples=200)
    samples = sample_volume(noise, 200, random_state=0)
    assert iou(samples[1], fit.predict(samples[0]), sample_weight=samples[2]) > 0.9
    assert fit.iou_ == pytest.approx(iou(noise, fit.predict_volume(noise.shape)), abs=0.1)


def test_a_volume_of_lists_is_one_of_numbers():
    fits = [encoder(max_epochs=1).fit_volume(v) for v in (BALL[7], BALL[7].tolist())]
    np.testing.assert_array_equal(*(fit.predict_volume(9) for fit in fits))


def test_without_a_seed_a_checkpoint_is_of_the_same_voxels(tmp_path):
    stopped = encoder(
        search=LayerSearch(1), random_state=None, max_epochs=2, checkpoint=tmp_path / "fit"
    )
    with trainings(most=3), pytest.raises(Stopped):
        stopped.fit_volume(BALL, n_samples=300)
    stopped.fit_volume(BALL, n_samples=300)  # which would refuse others


def test_a_volume_goes_on_from_its_checkpoint(tmp_path):
    options = {"search": LayerSearch(2), "max_epochs": 4}
    whole = encoder(["gaussian", "sinusoid"], **options).fit_volume(BALL, n_samples=500)
    stopped = encoder(["gaussian", "sinusoid"], checkpoint=tmp_path / "fit", **options)
    with trainings(most=3), pytest.raises(Stopped):
        stopped.fit_volume(BALL, n_samples=500)
    with trainings() as rest:
        stopped.fit_volume(BALL, n_samples=500)
    assert len(rest) == len(whole.search_result_.trace) - 3
    answers = (
        fit.predict_volume(8, response_method="decision_function") for fit in (stopped, whole)
    )
    np.testing.assert_array_equal(*answers)


@EACH_LOSS
def test_importance_weights_leave_probabilities_without_bias(loss):
    """One in fifty labels of a third is inside, and draws samples to itself and those around."""
    rng = np.random.default_rng(0)
    volume = np.zeros((120, 400), bool)
    volume[:40] = rng.uniform(size=(40, 400)) < 0.02
    options = {"n_samples": 12_000, "near_surface": 0.95}
    fit = encoder(
        ActivationDictionary(["gaussian"], init="unit"),
        search=FixedSequence("gaussian", n_layers=1),
        loss=loss,
        trainer=Trainer(learning_rate=3e-2),
        hidden_width=4,  # too few to know voxels by heart
        max_epochs=60,
    ).fit_volume(volume, **options)
    third = [[0, 39], [0, 399]]

    def probability(fit):
        return fit.predict_volume(100, box=third, response_method="predict_proba").mean()

    assert probability(fit) == pytest.approx(volume[:40].mean(), rel=0.2)
    X, y, _ = sample_volume(volume, **options, random_state=0)
    assert probability(clone(fit).fit(X, y)) > 1.6 * volume[:40].mean()


def test_grids_are_where_they_say():
    proba = SOLID.predict_volume((3, 4, 5), response_method="predict_proba")
    axes = [np.linspace(0, n - 1, k) for n, k in zip(BALL.shape, (3, 4, 5), strict=True)]
    table = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    np.testing.assert_allclose(proba.ravel(), SOLID.predict_proba(table)[:, 1], atol=1e-6)
    assert SOLID.predict_volume(15, box=[[0, 14], [0, 7], [0, 3.4]]).shape == (15, 8, 4)
    with pytest.raises(ValueError, match="response_method must be one of"):
        SOLID.predict_volume(4, response_method="transform")


def test_the_mesh_is_the_surface_of_the_fit():
    mesh = SOLID.to_mesh(48)
    assert mesh.is_watertight
    np.testing.assert_allclose(SOLID.decision_function(mesh.vertices), 0, atol=1e-4)
    slope = SOLID.gradient(mesh.vertices)
    np.testing.assert_allclose(
        mesh.normals, -slope / np.linalg.norm(slope, axis=1, keepdims=True), atol=1e-6
    )
    spacing = np.array([axis[1] - axis[0] for axis in AXES])
    assert mesh.volume * spacing.prod() == pytest.approx(4 / 3 * np.pi * 0.7**3, rel=0.1)
    centred = (mesh.vertices - (np.array(BALL.shape) - 1) / 2) * spacing
    away = centred * spacing  # normals of the ellipsoid that it is in voxels
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    assert (away * mesh.normals).sum(axis=1).mean() > 0.95


def test_levels_of_probability_lie_within_each_other():
    volumes = [SOLID.to_mesh(32, level=level).volume for level in (0.7, 0.5, 0.3)]
    assert volumes == sorted(volumes)
    vertices = SOLID.to_mesh(32, level=0.7).vertices
    np.testing.assert_allclose(SOLID.predict_proba(vertices)[:, 1], 0.7, atol=1e-3)


def test_meshes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"shapes in three dimensions; this fit has 2"):
        FITTED["squared"].to_mesh()
    with pytest.raises(ValueError, match=r"level is a probability between 0 and 1"):
        SOLID.to_mesh(level=1.0)


def test_a_distance_is_fitted_as_values():
    points = RNG.uniform(-1, 1, size=(3_000, 3))
    distance = np.linalg.norm(points, axis=1) - 0.6
    fit = MIREncoder(
        search=FixedSequence("gaussian", n_layers=2), hidden_width=48, max_epochs=60, random_state=0
    ).fit(points, distance)
    away = points[np.linalg.norm(points, axis=1) > 0.3]
    assert eikonal_residual(fit.gradient(away)) < 0.15
    mesh = level_set_mesh(lambda X: -fit.predict(X), lambda X: -fit.gradient(X), [[-1, 1]] * 3, 32)
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices, axis=1), 0.6, atol=0.03)
    np.testing.assert_allclose(mesh.normals, mesh.vertices / 0.6, atol=0.3)


@pytest.mark.parametrize("ignored", [255, -1])
def test_labels_of_weight_0_are_as_if_absent(ignored):
    labels = INSIDE.astype(int)
    labels[:50] = ignored
    counts = (labels != ignored).astype(float)
    fit = encoder().fit(X, labels, counts)
    assert fit.classes_.tolist() == [0, 1]
    without = encoder().fit(X[50:], labels[50:])
    np.testing.assert_array_equal(fit.predict(X), without.predict(X))
    fit.partial_fit(X, np.where(counts > 0, labels, np.nan), sample_weight=counts)
    with pytest.raises(ValueError, match="3 classes"):
        encoder().fit(X, labels)


def test_masked_labels_are_refused():
    masked = np.ma.masked_array(INSIDE.astype(int), mask=np.arange(len(X)) < 7)
    with pytest.raises(ValueError, match="y contains masked values, in 7 of 400 rows"):
        encoder().fit(X, masked)
    encoder().fit(X, masked, ~masked.mask)
    volume = np.ma.masked_array(np.arange(64).reshape(8, 8) > 30, mask=np.eye(8))
    for ask in (sample_volume, encoder().fit_volume):
        with pytest.raises(ValueError, match="a label in each voxel, and some are masked"):
            ask(volume)


def test_a_volume_one_voxel_thick_comes_back():
    volume = np.zeros((16, 16, 1), bool)
    volume[4:10, 4:10] = True
    found = encoder().fit_volume(volume).predict_volume(volume.shape)
    assert found.shape == volume.shape
    assert iou(volume, found) > 0.8


def test_the_bandwidth_of_a_large_volume_sees_what_evenly_spaced_lines_miss(monkeypatch):
    axes, speck = [np.arange(32.0)] * 3, np.zeros((32, 32, 32), dtype=bool)
    speck[13:17, 13:17, 13:17] = True
    whole = _bandwidth(speck, axes)
    monkeypatch.setattr("skmire.encoders._volumes._LINES", 2**11)
    np.testing.assert_allclose(_bandwidth(speck, axes), whole, rtol=0.1)
    plate = np.zeros_like(speck)
    plate[:, 13:16] = True
    np.testing.assert_allclose(_bandwidth(plate, axes)[[0, 2]], 0)


@pytest.mark.parametrize("odd", [True, np.nan])
def test_a_volume_without_a_surface_is_refused_without_a_warning(odd):
    with pytest.raises(ValueError, match=r"one class|NaN"):
        encoder().fit_volume(np.full((8, 8, 8), odd))


def test_a_level_that_is_not_reached_is_told_as_a_probability():
    fit = encoder(loss="logistic", max_epochs=1).fit_volume(BALL)
    with pytest.raises(ValueError, match=r"level 0\.999999: .* is the probability of True above"):
        fit.to_mesh(8, level=0.999999)


def test_a_flat_volume_asks_for_a_box_and_names_its_axis():
    flat = encoder(max_epochs=1).fit_volume(BALL[..., 12:13])
    for ask in (flat.predict_volume, flat.to_mesh):
        with pytest.raises(
            ValueError, match=r"no extent along axis 2, where they are all at 0.*box="
        ):
            ask(10)
    assert flat.predict_volume(4, box=[[0, 23], [0, 29], [0, 1]]).ndim == 3


def test_labels_in_a_column_are_warned_about_once():
    with pytest.warns(DataConversionWarning) as told:
        encoder(max_epochs=1).fit(X, INSIDE[:, None])
    assert len(told) == 1
