"""The encoder of radiance fields, and its network of two heads."""

import copy
import re

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score

from skmire import Architecture, FixedSequence, LayerSearch, RadianceEncoder, Trainer, peers
from skmire.atoms import ComplexGabor, Gaussian, ReLU, Sinusoid
from skmire.cameras import camera_rays, look_at
from skmire.datasets import coloured_solids
from skmire.measurements import GradientValues, VolumeRendering
from skmire.metrics import psnr_scorer
from skmire.networks import (
    FourierFeatures,
    PositionalEncoding,
    RadianceArchitecture,
    RadianceField,
    calculus_of,
    sweep_of,
)
from skmire.networks._sweep import AutogradSweep, RadianceSweep
from skmire.training._shares import groups_of

SCENE = coloured_solids(3, random_state=2)
VIEWS = SCENE.views(12, height=10, width=12)
X, Y = VIEWS.samples()
CUBE = [[-1, 1]] * 3
CAMERA = {"height": 6, "width": 9, "focal": 10.0}


def network(*atoms, n_in=6, n_out=4, seed=0, dtype=torch.float64, **options):
    return RadianceArchitecture(**options).build(
        [copy.deepcopy(atom) for atom in atoms],
        in_features=n_in,
        out_features=n_out,
        hidden_width=8,
        generator=torch.Generator().manual_seed(seed),
        dtype=dtype,
    )


def points(n_in=6, n=40):
    return 2 * torch.rand(n, n_in, generator=torch.Generator().manual_seed(1)).double() - 1


def encoder(search=None, **options):
    settings = {
        "measurement": VolumeRendering(bounds=CUBE, n_samples=8, view_dependent=True),
        "trainer": Trainer(learning_rate=5e-3),
        "hidden_width": 16,
        "max_epochs": 3,
        "random_state": 0,
        **options,
    }
    search = search or FixedSequence("gaussian", n_layers=3)
    return RadianceEncoder(["gaussian", "sinusoid"], search, **settings)


@pytest.fixture(scope="module")
def fitted():
    return encoder(max_epochs=15).fit(X, Y)


# -- the network -----------------------------------------------------------------------------------

SHAPES = pytest.mark.parametrize(
    ("atoms", "options"),
    [
        ([Sinusoid()], {}),
        ([Gaussian(scale=2.0), Sinusoid()], {}),
        ([Gaussian(scale=2.0), Sinusoid(), Gaussian()], {"trunk": Architecture(residual=True)}),
        (
            [ReLU(), ReLU(), ReLU()],
            {
                "trunk": Architecture(encoding=PositionalEncoding(3)),
                "direction_encoding": PositionalEncoding(2),
            },
        ),
        ([Sinusoid(), Sinusoid()], {"direction_encoding": FourierFeatures(4)}),
        ([ComplexGabor(), Sinusoid()], {}),
        ([Sinusoid(), ComplexGabor()], {}),
        ([Sinusoid(), Sinusoid()], {"trunk": peers.MultiplicativeFilters(input_scale=4.0)}),
    ],
    ids=lambda given: "-".join(a.name for a in given) if isinstance(given, list) else None,
)


@SHAPES
@pytest.mark.parametrize("n_in", [3, 6])
def test_density_does_not_depend_on_the_direction_and_colours_do(atoms, options, n_in):
    field, x = network(*atoms, n_in=n_in, **options), points(n_in)
    values = field(x)
    assert values.shape == (40, 4)
    assert values.dtype == torch.float64
    turned = torch.cat([x[:, :3], -x[:, 3:]], dim=1)
    np.testing.assert_array_equal(field(turned)[:, 0].detach(), values[:, 0].detach())
    if n_in == 6:
        assert ((field(turned) - values)[:, 1:].abs() > 1e-9).all()
    assert [atom.name for atom in field.sequence] == [atom.name for atom in atoms]


@SHAPES
def test_values_are_linear_in_the_last_hidden_layer(atoms, options):
    field, x = network(*atoms, **options), points()
    hidden, output = field.hidden(x), field.output
    found = output(hidden.to(output.weight.dtype))
    torch.testing.assert_close(found.real if found.is_complex() else found, field(x))
    assert output.weight.shape == (4, hidden.shape[1])


@SHAPES
def test_the_sweep_equals_autograd(atoms, options):
    field, x = network(*atoms, **options), points(n=1500)
    target = torch.rand(1500, 4, generator=torch.Generator().manual_seed(2)).double()
    sweep, plain = sweep_of(field), AutogradSweep(field)
    by_hand = not any(a.is_complex for a in atoms) and not isinstance(
        options.get("trunk"), peers.MultiplicativeFilters
    )
    assert isinstance(sweep, RadianceSweep) == by_hand
    gradients = []
    for each in (sweep, plain):
        each(x, lambda values, rows: values - target[rows])
        gradients.append([p.grad.clone() for p in field.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(sweep.values(x), field(x).detach())


def test_derivatives_of_the_field_are_those_of_autograd():
    field, x = network(Gaussian(scale=2.0), Sinusoid()), points(n=5).requires_grad_()
    found = calculus_of(field)(x.detach(), torch.eye(6).double(), [(i,) for i in range(6)])
    for k in range(4):
        (slopes,) = torch.autograd.grad(field(x)[:, k].sum(), x)
        torch.testing.assert_close(found[:, :, k].T, slopes)


def test_weights_before_large_scales_take_smaller_steps_in_both_heads():
    field = network(Sinusoid(frequency=200.0), Sinusoid(frequency=1.0), Sinusoid(frequency=100.0))
    shares = {id(p): g["share"] for g in groups_of(field, 1e-2) for p in g["params"]}
    trunk, colour = field.trunk.affines, field.layer
    assert shares[id(trunk[0].weight)] < 0.1
    assert shares[id(trunk[1].weight)] == 4  # as with 64 units
    assert shares[id(colour.weight)] < 0.2
    assert len(shares) == len([p for p in field.parameters() if p.requires_grad])


def test_only_matrices_between_hidden_layers_are_hidden():
    field = network(Sinusoid(), Sinusoid(), Sinusoid())
    hidden = [
        p for g in groups_of(field, 1e-3, hidden_apart=True) if g["hidden"] for p in g["params"]
    ]
    wanted = [field.trunk.affines[1].weight, field.layer.weight]
    assert len(hidden) == 2
    assert all(any(p is w for w in wanted) for p in hidden)


def test_first_weights_are_stretched_by_place_alone():
    build = RadianceArchitecture().build
    size = {
        "in_features": 6, "out_features": 4, "hidden_width": 8, "dtype": torch.float64,
    }  # fmt: skip
    plain, stretched = (
        build(
            [Sinusoid(), Sinusoid()],
            generator=torch.Generator().manual_seed(0),
            stretch=stretch,
            **size,
        )
        for stretch in (None, [1.0, 2.0, 0.5, 9.0, 9.0, 9.0])
    )
    ratio = stretched.trunk.affines[0].weight / plain.trunk.affines[0].weight
    np.testing.assert_allclose(ratio[0].detach(), [1.0, 2.0, 0.5])
    torch.testing.assert_close(stretched.layer.weight, plain.layer.weight)


@pytest.mark.parametrize(("n_in", "n_out"), [(2, 4), (6, 1)])
def test_other_fields_are_refused(n_in, n_out):
    with pytest.raises(ValueError, match="3 or 6 coordinates"):
        network(Sinusoid(), n_in=n_in, n_out=n_out)


@pytest.mark.parametrize(
    "options", [{"weight_init": "large"}, {"output_scale": 0.0}, {"trunk": "mlp"},
                {"trunk": Architecture(output_scale=-1.0)}],
)  # fmt: skip
def test_parameters_of_the_architecture_are_checked(options):
    with pytest.raises(ValueError, match="parameter of"):
        encoder(network=RadianceArchitecture(**options)).fit(X, Y)


# -- the encoder -----------------------------------------------------------------------------------


def test_a_scene_is_found_from_its_views(fitted):
    truth = SCENE.views(3, height=10, width=12, random_state=9)
    held_out, colours = truth.samples()
    assert fitted.score(held_out, colours) > 0.6
    assert fitted.score(held_out, colours) == pytest.approx(
        r2_score(colours, fitted.predict(held_out))
    )
    assert psnr_scorer(fitted, held_out, colours) > 15
    pose = truth.poses[0]
    picture = fitted.render(pose, 10, 12, truth.focal)
    np.testing.assert_allclose(picture.reshape(-1, 3), fitted.predict(held_out[:120]), atol=1e-6)
    assert isinstance(fitted.network_, RadianceField)


def test_pictures_are_rendered_in_parts(fitted, monkeypatch):
    pose = look_at([3.0, 2.0, 1.0])
    whole = fitted.render(pose, **CAMERA)
    asked = []
    predict = type(fitted).predict
    monkeypatch.setattr("skmire.encoders._radiance_encoder._RAYS", 20)
    monkeypatch.setattr(
        type(fitted), "predict", lambda self, X: asked.append(len(X)) or predict(self, X)
    )
    np.testing.assert_allclose(fitted.render(pose, **CAMERA), whole, atol=1e-6)
    assert asked == [18, 18, 18]


def test_density_is_what_rays_are_absorbed_by(fitted):
    places = np.random.default_rng(0).uniform(-1, 1, size=(50, 3))
    assert (fitted.density(places) > 0).all()
    seen = fitted._readout.measurement
    ray = np.array([[3.0, 1.0, 2.0, -3.0, -0.8, -2.1]])
    march = seen.march(fitted.to_torch(), torch.tensor(ray))
    middles = (march.edges[:, 1:] + march.edges[:, :-1]).detach().numpy()[0] / 2
    unit = ray[0, 3:] / np.linalg.norm(ray[0, 3:])
    along = fitted.density(ray[0, :3] + middles[:, None] * unit)
    depths = along * np.diff(march.edges.detach().numpy()[0])
    np.testing.assert_allclose(depths, march.depths.detach().numpy()[0], rtol=1e-4)
    away = seen.march(fitted.to_torch(), torch.tensor(ray * [1, 1, 1, -1, -1, -1]))
    assert away.weights.shape == (0, 8)


def test_depth_is_where_half_is_left():
    class Fog(VolumeRendering):
        """The same density everywhere, whatever the network says."""

        def density(self, values, domain):
            return torch.full_like(values[..., 0], 0.9)

    fog = Fog(bounds=CUBE, n_samples=7, view_dependent=True)
    found = (
        encoder(measurement=fog, max_epochs=1)
        .fit(X, Y)
        .depth(
            [[3.0, 0, 0, -2, 0, 0], [0, 0, 0, 0, 0, 1.0], [0, 0, 0.5, 0, 0, 1], [3, 0, 0, 1, 0, 0]]
        )
    )
    np.testing.assert_allclose(found, [2 + np.log(2) / 0.9, np.log(2) / 0.9, np.inf, np.inf])


def test_depths_of_a_picture_are_those_of_its_rays(fitted):
    pose = look_at([3.0, 2.0, 1.0])
    picture = fitted.render_depth(pose, **CAMERA)
    assert picture.shape == (6, 9)
    rays = camera_rays(pose, **CAMERA)
    np.testing.assert_allclose(picture.ravel(), fitted.depth(rays), rtol=1e-6)
    assert np.isfinite(picture).any()
    assert (picture > 2).all()


def test_defaults_are_a_network_of_two_heads_that_sees_directions():
    small = RadianceEncoder(search=FixedSequence("sinusoid"), hidden_width=8, max_epochs=1)
    found = clone(small).fit(X[::4], Y[::4])
    assert found.measurement_.view_dependent
    assert isinstance(found.network_, RadianceField)
    assert found.field_at(np.zeros((2, 6))).shape == (2, 4)
    assert found.bandwidth_.shape == (6,)
    assert small.get_params()["measurement"] is None
    set_up = clone(encoder()).set_params(measurement__n_samples=4, search__n_layers=2)
    assert set_up.get_params()["measurement__n_samples"] == 4


@pytest.mark.parametrize(
    ("name", "usual"),
    [
        ("measurement__n_samples", VolumeRendering(view_dependent=True)),
        ("network__output_scale", RadianceArchitecture()),
        ("search__n_layers", LayerSearch()),
    ],
)
def test_parameters_of_what_was_not_given_are_refused_with_the_encoders_own_default(name, usual):
    owner = name.partition("__")[0]
    with pytest.raises(ValueError, match=re.escape(f"as in RadianceEncoder({owner}={usual!r}).")):
        RadianceEncoder().set_params(**{name: 2})
    followed = RadianceEncoder(**{owner: clone(usual)}).set_params(**{name: 2})
    assert followed.get_params()[name] == 2


def test_without_directions_colours_are_those_of_places():
    plain = encoder(measurement=VolumeRendering(bounds=CUBE, n_samples=8)).fit(X, Y)
    assert plain.field_at(np.zeros((2, 3))).shape == (2, 4)
    assert plain.density(np.zeros((2, 3))).shape == (2,)
    assert plain.render(look_at([3.0, 0, 0]), **CAMERA).shape == (6, 9, 3)


@pytest.mark.parametrize("search", [
    LayerSearch(n_layers=2), LayerSearch("auto", max_layers=2),
    LayerSearch(n_layers=2, mode="growth"),
], ids=["look-ahead", "auto", "growth"])  # fmt: skip
def test_searches_are_deterministic_and_resumed(search, tmp_path):
    asked = encoder(search, hidden_width=8, checkpoint=tmp_path)
    found = clone(asked).fit(X[::6], Y[::6])
    again = clone(asked).fit(X[::6], Y[::6])
    np.testing.assert_array_equal(found.predict(X), again.predict(X))
    plain = clone(asked).set_params(checkpoint=None).fit(X[::6], Y[::6])
    np.testing.assert_array_equal(found.predict(X), plain.predict(X))


def test_a_fit_is_saved_copied_and_trained_further(fitted, tmp_path):
    joblib.dump(fitted, tmp_path / "fit.joblib")
    opened = joblib.load(tmp_path / "fit.joblib")
    pose = look_at([3.0, 2.0, 1.0])
    for other in (opened, copy.deepcopy(fitted)):
        np.testing.assert_array_equal(other.render(pose, **CAMERA), fitted.render(pose, **CAMERA))
    n_before = opened.n_iter_
    opened.partial_fit(X[:200], Y[:200])
    assert opened.n_iter_ == n_before + 1
    assert not np.array_equal(opened.predict(X), fitted.predict(X))
    with pytest.raises(ValueError, match="measurement"):
        opened.set_params(measurement__n_samples=9).partial_fit(X[:200], Y[:200])


def test_weights_of_zero_leave_rays_out():
    weights = np.ones(len(X))
    weights[::2] = 0
    wrong = np.where(weights[:, None] > 0, Y, 0.5)
    some = encoder().fit(X, wrong, sample_weight=weights).predict(X)
    np.testing.assert_array_equal(some, encoder().fit(X[1::2], Y[1::2]).predict(X))


def cameras(n, place, towards, seed=0):
    """Return the rays of cameras; both take a direction drawn at random."""
    units = np.random.default_rng(seed).normal(size=(n, 3))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    poses = [look_at(place(u), towards(u)) for u in units]
    return np.concatenate([camera_rays(pose, **CAMERA) for pose in poses])


FRONT = np.array([4.0, 0, 0])
LOOKS = {
    "outward": (lambda u: u, lambda u: 2 * u),
    "forward": (lambda u: 0.3 * u, lambda u: 0.3 * u + FRONT),
    "forward, a little turned": (lambda u: 0.3 * u, lambda u: FRONT + u),
}


@pytest.mark.parametrize("look", LOOKS)
def test_cameras_that_do_not_look_at_one_place_need_bounds(look):
    rays = cameras(9, *LOOKS[look])
    y = np.random.default_rng(0).uniform(size=(len(rays), 3))
    with pytest.raises(ValueError, match=r"not meet in front of .* Give VolumeRendering bounds"):
        encoder(measurement=VolumeRendering()).fit(rays, y)
    assert VolumeRendering(near=1.0, far=4.0).domain(rays).n_dims == 3


@pytest.mark.parametrize("focal", [20.0, 40.0])
def test_cameras_around_a_scene_need_no_bounds_and_the_wrong_way_round_they_are_asked_about(focal):
    views = SCENE.views(12, height=10, width=12)
    rays = np.concatenate([camera_rays(pose, 10, 12, focal) for pose in views.poses])
    domain = VolumeRendering().domain(rays)
    np.testing.assert_allclose((domain.high - domain.low) / 2, 2, atol=0.3)  # half as far as they
    flip = np.diag([1.0, -1, -1, 1])
    turned = np.concatenate([camera_rays(pose @ flip, 10, 12, focal) for pose in views.poses])
    for measurement in (VolumeRendering(), VolumeRendering(bounds=CUBE)):
        with pytest.raises(ValueError, match="look along -z"):
            encoder(measurement=measurement).fit(turned, Y)


def test_what_cannot_be_is_refused(fitted):
    with pytest.raises(ValueError, match="must be a VolumeRendering"):
        encoder(measurement=GradientValues()).fit(X, Y)
    with pytest.raises(ValueError, match="got 5 columns"):
        encoder().fit(X[:, :5], Y)
    with pytest.raises(ValueError, match="for labels"):
        encoder(trainer=Trainer(loss="logistic")).fit(X, Y)
    with pytest.raises(ValueError, match="a point and the 3 coordinates of a place as columns"):
        fitted.density(np.zeros((4, 6)))
    with pytest.raises(ValueError, match="of a place and the 3 of a direction of view as columns"):
        fitted.gradient(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="at least one pixel"):
        fitted.render(look_at([3.0, 0, 0]), 0, 4, 10.0)
    for ask in ("density", "depth", "predict"):
        with pytest.raises(NotFittedError):
            getattr(encoder(), ask)(X)
    with pytest.raises(NotFittedError):
        encoder().render(look_at([3.0, 0, 0]), **CAMERA)
