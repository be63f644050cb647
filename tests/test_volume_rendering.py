"""What rays see of media: closed forms, and fields found from it."""

import math

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone

from skmire import FixedSequence, LayerSearch, MIREncoder, Trainer
from skmire.atoms import Sinusoid
from skmire.measurements import Readout, VolumeRendering, sweep_through
from skmire.networks import Field, LayerStack
from skmire.scaling import Scaling
from skmire.training import Samples

RNG = np.random.default_rng(0)
CUBE = [[-1, 1]] * 3


def rays(n=200, distance=3.0, spread=0.8, rng=RNG):
    """Return rays towards the middle, from all around; their directions are of any length."""
    origins = rng.normal(size=(n, 3))
    origins *= distance / np.linalg.norm(origins, axis=1, keepdims=True)
    return np.hstack([origins, rng.uniform(-spread, spread, size=(n, 3)) - origins])


def chord(X, radius):
    """Return how long each ray is in a ball about the origin."""
    unit = X[:, 3:] / np.linalg.norm(X[:, 3:], axis=1, keepdims=True)
    off = np.linalg.norm(np.cross(X[:, :3], unit), axis=1)
    return 2 * np.sqrt(np.clip(radius**2 - off**2, 0, None)), off


class Medium(Field):
    """A field in closed form, in the user's units: density and colour at points."""

    def __init__(self, density, colour):
        super().__init__()
        self.density, self.colour = density, colour
        self.unused = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, coords):
        colours = self.colour(coords).clamp(1e-12, 1 - 1e-12)
        return torch.cat([self.density(coords).log(), colours.logit()], dim=1)


def seen(measurement, medium, X, generator=None):
    """Return what is seen of a medium; the bounds are the cube, so that its half side is 1."""
    domain = measurement.domain(X)
    units = Scaling(np.zeros(domain.n_dims), np.ones(domain.n_dims))
    readout = Readout(
        measurement, domain, units, Scaling(np.zeros(4), np.ones(4)),
        Scaling(np.zeros(3), np.ones(3)),
    )  # fmt: skip
    return readout.predict(medium, torch.tensor(X), generator).detach().numpy()


def constant(*colour):
    return lambda coords: torch.tensor(colour, dtype=torch.float64).expand(len(coords), -1)


@pytest.mark.parametrize("background", ["white", "black"])
@pytest.mark.parametrize("n_importance", [0, 8])
def test_a_homogeneous_medium_absorbs_and_glows_as_its_closed_form(background, n_importance):
    sigma, colour = 0.7, np.array([0.9, 0.5, 0.1])
    medium = Medium(lambda x: torch.full((len(x), 1), sigma).double(), constant(*colour))
    origins = RNG.uniform(-0.5, 0.5, size=(100, 3))
    X = np.hstack([origins, RNG.normal(size=(100, 3))])
    unit = X[:, 3:] / np.linalg.norm(X[:, 3:], axis=1, keepdims=True)
    path = ((np.sign(unit) - origins) / unit).min(axis=1)  # to the cube's face
    through = np.exp(-sigma * path)[:, None]
    wanted = colour * (1 - through) + (background == "white") * through
    measurement = VolumeRendering(
        bounds=CUBE, n_samples=16, background=background, n_importance=n_importance
    )
    np.testing.assert_allclose(seen(measurement, medium, X), wanted, atol=1e-12)
    # between near and far, from outside as well
    near, far = 0.1, 0.4
    within = np.clip(np.minimum(path, far) - near, 0, None)
    through = np.exp(-sigma * within)[:, None]
    wanted = colour * (1 - through) + (background == "white") * through
    measurement.set_params(near=near, far=far)
    np.testing.assert_allclose(seen(measurement, medium, X), wanted, atol=1e-12)


@pytest.mark.parametrize("n", [(4, 4, 1), (1, 5, 3)], ids=["beam", "plane"])
def test_the_outermost_of_parallel_rays_see_what_the_others_do(n):
    """They lie in the faces of the box around all, which in a plane has no height."""
    medium = Medium(lambda x: torch.full((len(x), 1), 0.7).double(), constant(0.2, 0.4, 0.6))
    x, y, z = (axis.ravel() for axis in np.meshgrid(*map(np.arange, n), indexing="ij"))
    ahead = (0, 0, -1) if n[2] == 1 else (0, 1, 0)
    X = np.stack([x, y, z, *(np.full(len(x), a) for a in ahead)], axis=1).astype(float)
    measurement = VolumeRendering(1, 3)
    box = measurement.domain(X)
    through = np.exp(-2 * 0.7 / ((box.high - box.low).max() / 2))
    wanted = np.tile(np.array([0.2, 0.4, 0.6]) * (1 - through) + through, (len(X), 1))
    np.testing.assert_allclose(seen(measurement, medium, X), wanted, atol=1e-12)


def test_a_solid_ball_covers_by_its_chord():
    sigma, radius, colour = 3.0, 0.6, np.array([0.2, 0.4, 0.8])
    medium = Medium(
        lambda x: torch.where(x.norm(dim=1, keepdim=True) < radius, sigma, 1e-12).double(),
        constant(*colour),
    )
    X = rays(20)
    through = np.exp(-sigma * chord(X, radius)[0])[:, None]
    wanted = colour * (1 - through) + through
    found = seen(VolumeRendering(bounds=CUBE, n_samples=2**16), medium, X)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_a_gaussian_cloud_absorbs_as_its_closed_form():
    # Of exp(-|x|^2 / 2 s^2) the integral along a line at distance q is
    # sqrt(2 pi) s exp(-q^2 / 2 s^2).
    s, peak = 0.15, 4.0
    medium = Medium(
        lambda x: peak * torch.exp(-x.square().sum(1, keepdim=True) / (2 * s**2)) + 1e-300,
        constant(0.5, 0.5, 0.5),
    )
    X = rays()
    depth = peak * math.sqrt(2 * math.pi) * s * np.exp(-(chord(X, 1.0)[1] ** 2) / (2 * s**2))
    wanted = 0.5 + 0.5 * np.exp(-depth)
    found = seen(VolumeRendering(bounds=CUBE), medium, X)
    np.testing.assert_allclose(found, wanted[:, None].repeat(3, axis=1), atol=1e-4)


def test_colours_along_a_ray_are_seen_through_what_is_before_them():
    # Along x, from -1 to 1: T = exp(-s (x + 1)) and colour (x + 1) / 2.
    sigma = 2.0
    medium = Medium(
        lambda x: torch.full((len(x), 1), sigma).double(),
        lambda x: ((x[:, :1] + 1) / 2).expand(-1, 3),
    )
    X = np.array([[-2.0, 0.1, 0.2, 5.0, 0.0, 0.0]])
    wanted = 1 / (2 * sigma) - math.exp(-2 * sigma) * (1 + 1 / (2 * sigma)) + math.exp(-2 * sigma)
    found = seen(VolumeRendering(bounds=CUBE, n_samples=1024), medium, X)
    np.testing.assert_allclose(found, np.full((1, 3), wanted), atol=1e-6)


def test_a_second_pass_finds_a_thin_shell():
    def density(x):
        return 200 * torch.exp(-((x.norm(dim=1, keepdim=True) - 0.5) ** 2) / (2 * 0.01**2)) + 1e-300

    medium, X = Medium(density, constant(0.0, 0.0, 0.0)), rays(spread=0.2)
    truth = seen(VolumeRendering(bounds=CUBE, n_samples=4096), medium, X)
    off = [
        np.abs(seen(VolumeRendering(bounds=CUBE, n_samples=48, n_importance=n), medium, X) - truth)
        for n in (0, 48)
    ]
    assert off[1].mean() < 0.2 * off[0].mean()


def test_random_points_are_unbiased_in_depth_and_differ_from_draw_to_draw():
    medium = Medium(
        lambda x: 0.2 + x[:, :1].square(),
        constant(0.0, 0.0, 0.0),
    )
    X = np.repeat(rays(4), 400, axis=0)
    measurement = VolumeRendering(bounds=CUBE, n_samples=8)
    draws = [
        seen(measurement, medium, X, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])
    exact = seen(VolumeRendering(bounds=CUBE, n_samples=512), medium, X)
    depths = -np.log(draws[0][:, 0]).reshape(4, 400)
    error = depths.std(axis=1) / 20
    assert (np.abs(depths.mean(axis=1) + np.log(exact[::400, 0])) < 4 * error).all()


@pytest.mark.parametrize("options", [{}, {"n_importance": 3}, {"background": "black"}])
def test_gradients_are_those_of_finite_differences(options, predict_with):
    X = torch.tensor(rays(3))
    X[0, 3:] = X[0, :3]  # misses
    measurement = VolumeRendering(bounds=CUBE, n_samples=5, **options)
    network = LayerStack(
        [Sinusoid(frequency=3.0)], in_features=3, out_features=4,
        hidden_width=4, generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    )  # fmt: skip
    domain = measurement.domain(X.numpy())
    box = Scaling.of_coordinates(np.stack([domain.low, domain.high]), "per_axis")
    one = Scaling(np.zeros(4), np.ones(4))
    readout = Readout(measurement, domain, box, one, Scaling(np.zeros(3), np.ones(3)))
    weights = network.output.weight

    def colours(weight):
        return predict_with(readout, network, {"affines.1.weight": weight}, X)

    if not options.get(
        "n_importance"
    ):  # whose parts move with the weights, and not by the gradient
        assert torch.autograd.gradcheck(colours, (weights.detach().clone().requires_grad_(),))
    sweep = sweep_through(network, readout)
    wanted = torch.rand(3, 3, dtype=torch.float64)
    sweep(X, lambda values, rows: values - wanted[rows])
    by_sweep = [p.grad.clone() for p in network.parameters()]
    network.zero_grad()
    ((readout.predict(network, X) - wanted).square().sum() / 2).backward()
    for found, parameter in zip(by_sweep, network.parameters(), strict=True):
        wanted_grad = torch.zeros_like(found) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(found, wanted_grad)


def test_a_step_in_which_no_ray_meets_the_box_has_no_gradient():
    X = torch.tensor(rays(40))
    measurement = VolumeRendering(bounds=CUBE, n_samples=4)
    readout, _ = Readout.of(measurement, X.numpy(), RNG.uniform(size=(40, 3)), None, "per_axis")
    network = LayerStack(
        [Sinusoid(frequency=3.0)], in_features=3, out_features=4,
        hidden_width=4, generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    )  # fmt: skip
    sweep = sweep_through(network, readout)
    for towards, seen in ((1, True), (-1, False)):
        sweep(X * torch.tensor([1, 1, 1, *[towards] * 3]), lambda values, rows: values)
        assert all(bool(p.grad.any()) == seen for p in network.parameters())


# -- a field found from what is seen of it ---------------------------------------------------------


def ball(X, colour=(1.0, 0.5, 0.0), background=1.0):
    """Return what is seen of an opaque ball of radius 0.6."""
    hit = chord(X, 0.6)[0] > 0
    return np.where(hit[:, None], np.array(colour), background)


def small(measurement=None, search=None, **parameters):
    settings = {"hidden_width": 32, "max_epochs": 25, "random_state": 0, **parameters}
    trainer = Trainer(learning_rate=2e-3)
    return MIREncoder(
        ["gaussian", "sinusoid"],
        search or FixedSequence("gaussian", n_layers=2),
        trainer,
        measurement=measurement or VolumeRendering(bounds=CUBE, n_samples=16),
        **settings,
    )


TRAIN, NEW = rays(1000), rays(200)


@pytest.fixture(scope="module")
def fitted():
    return small(max_epochs=60).fit(TRAIN, ball(TRAIN))


def test_a_ball_is_found_from_what_is_seen(fitted):
    assert fitted.score(NEW, ball(NEW)) > 0.5  # of an edge that is sharp, at steps of 1/8
    points = RNG.uniform(-0.9, 0.9, size=(500, 3))
    r = np.linalg.norm(points, axis=1)
    values = fitted.field_at(points)
    assert values.shape == (500, 4)
    measurement, domain = fitted.measurement_, fitted._readout.domain
    density = measurement.density(torch.tensor(values), domain).numpy()
    # Where it is known: the shell that light comes from, and what is around it.
    assert np.median(density[(r > 0.5) & (r < 0.58)]) > 10 * np.median(density[r > 0.75])
    near = (r > 0.52) & (r < 0.58)
    colours = measurement.colours(torch.tensor(values[near])).numpy()
    np.testing.assert_allclose(np.median(colours, axis=0), [1.0, 0.5, 0.0], atol=0.1)


def test_predictions_are_deterministic_and_fits_are_for_a_seed(fitted):
    np.testing.assert_array_equal(fitted.predict(NEW), fitted.predict(NEW))
    np.testing.assert_allclose(fitted.predict(NEW[:7]), fitted.predict(NEW)[:7], atol=1e-6)
    few = small(max_epochs=2)
    first, again = (clone(few).fit(TRAIN, ball(TRAIN)).predict(NEW) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = clone(few).set_params(random_state=1).fit(TRAIN, ball(TRAIN)).predict(NEW)
    assert not np.array_equal(first, other)


def test_a_ray_without_a_direction_is_refused_in_a_query_too(fitted):
    with pytest.raises(ValueError, match="that in row 1 of X has length 0"):
        fitted.predict([[2.0, 0, 0, -1, 0, 0], [0.0] * 6])


def test_rays_that_meet_nothing_see_the_background(fitted):
    away = NEW.copy()
    away[:, 3:] *= -1
    np.testing.assert_array_equal(fitted.predict(away), np.ones((200, 3)))


def test_lengths_of_directions_and_units_do_not_matter(fitted):
    scaled = NEW * np.array([1, 1, 1, 7, 7, 7])
    np.testing.assert_allclose(fitted.predict(scaled), fitted.predict(NEW), atol=1e-5)
    metres, millimetres = TRAIN, TRAIN * np.array([1e3, 1e3, 1e3, 1, 1, 1])
    few = {"max_epochs": 3, "dtype": "float64"}
    one = small(**few).fit(metres, ball(TRAIN))
    other = small(VolumeRendering(bounds=[[-1e3, 1e3]] * 3, n_samples=16), **few)
    other.fit(millimetres, ball(TRAIN))
    np.testing.assert_allclose(
        one.predict(metres), other.predict(millimetres), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("scaling", ["per_axis", "isotropic"])
def test_directions_keep_their_length_whatever_the_unit_of_places(size, scaling):
    measurement = VolumeRendering(bounds=[[-size, size], [0, size], [0, size]], view_dependent=True)
    units = measurement.units(measurement.domain(TRAIN), scaling)
    corner = units.scale(np.array([[size, size, size, 0.6, 0.0, -0.8]]))[0]
    np.testing.assert_allclose(corner[3:], [0.6, 0.0, -0.8])
    np.testing.assert_allclose(corner[:3], [1, 1, 1] if scaling == "per_axis" else [1, 0.5, 0.5])


@pytest.mark.parametrize(
    ("measurement", "low", "high"),
    [
        (VolumeRendering(bounds=[[-1, 1], [-2, 2], [0, 3]]), [-1, -2, 0], [1, 2, 3]),
        (VolumeRendering(near=1.0, far=2.0), [-2, -2, -2], [2, 2, 2]),
        (VolumeRendering(), [-1.5, -1.5, -1.5], [1.5, 1.5, 1.5]),
    ],
)
def test_the_domain_is_the_bounds_or_follows_from_the_rays(measurement, low, high):
    X = rays(5000, spread=1e-9)
    domain = measurement.domain(X)
    np.testing.assert_allclose(domain.low, low, atol=0.05)
    np.testing.assert_allclose(domain.high, high, atol=0.05)
    six = clone(measurement).set_params(view_dependent=True).domain(X)
    np.testing.assert_array_equal(six.low, [*domain.low, -1, -1, -1])


@pytest.mark.parametrize(
    ("measurement", "X", "y", "told"),
    [
        (VolumeRendering(), TRAIN[:, :5], None, "got 5 columns"),
        (VolumeRendering(), TRAIN * [1, 1, 1, 0, 0, 0], None, "row 0 of X has length 0"),
        (VolumeRendering(near=2.0, far=1.0), TRAIN, None, "far above near"),
        (VolumeRendering(bounds=[[1, -1]] * 3), TRAIN, None, r"shape \(3, 2\)"),
        (VolumeRendering(bounds=[[-1, np.inf]] * 3), TRAIN, None, "both finite"),
        (VolumeRendering(bounds=[[np.nan, 1]] * 3), TRAIN, None, "both finite"),
        (VolumeRendering(), TRAIN * [1, 1, 1, 0, 0, 1], None, "parallel or from one point"),
        (
            VolumeRendering(),
            np.hstack([TRAIN[:1, :3] + 0 * TRAIN[:, 3:], TRAIN[:, 3:]]),
            None,
            "parallel or from one point",
        ),
        (VolumeRendering(bounds=[[100, 101]] * 3), TRAIN, None, r"the box \[\[100.0, 101.0\], "),
        (VolumeRendering(bounds=CUBE, near=50.0), TRAIN, None, "between near=50 and far=None"),
        (VolumeRendering(bounds=CUBE), TRAIN, 255 * ball(TRAIN), r"in \[0, 1\]"),
        (VolumeRendering(n_samples=0), TRAIN, None, "n_samples"),
    ],
)
def test_what_is_no_ray_or_no_colour_is_refused(measurement, X, y, told):
    with pytest.raises(ValueError, match=told):
        small(measurement).fit(X, ball(TRAIN) if y is None else y)


def test_colours_may_be_off_by_rounding_and_further_rays_are_checked_too():
    encoder = small(max_epochs=1).fit(TRAIN, np.float32(1.0000001) * (ball(TRAIN) > 0.5))
    with pytest.raises(ValueError, match="row 0 of X has length 0"):
        encoder.partial_fit(TRAIN * [1, 1, 1, 0, 0, 0], ball(TRAIN))
    for further in (encoder.partial_fit, encoder.set_params(warm_start=True).fit):
        with pytest.raises(ValueError, match=r"in \[0, 1\]; y has values from 0 to 255"):
            further(TRAIN, 255 * ball(TRAIN))


def test_rays_of_a_view_are_held_out_together():
    X = np.repeat(rays(10), 20, axis=0)
    X[:, 3:] += RNG.uniform(-0.1, 0.1, size=(200, 3))
    readout = Readout(
        VolumeRendering(bounds=CUBE), VolumeRendering(bounds=CUBE).domain(X),
        Scaling(np.zeros(3), np.ones(3)), Scaling(np.zeros(4), np.ones(4)),
        Scaling(np.zeros(3), np.ones(3)),
    )  # fmt: skip
    samples = Samples(torch.tensor(X), torch.zeros(200, 3).double(), None, readout)
    kept, held_out = samples.split(0.2, torch.Generator().manual_seed(0))
    assert len(held_out) == 2 * 20
    assert not set(held_out.inputs[:, 0].tolist()) & set(kept.inputs[:, 0].tolist())


def test_grey_is_a_field_of_two_outputs():
    encoder = small(max_epochs=2).fit(TRAIN, ball(TRAIN)[:, 0])
    assert encoder.predict(NEW).shape == (200,)
    assert encoder.field_at(NEW[:, :3]).shape == (200, 2)


@pytest.mark.parametrize("view_dependent", [False, True])
def test_searches_weights_checkpoints_and_saving_are_as_with_values(view_dependent, tmp_path):
    measurement = VolumeRendering(bounds=CUBE, n_samples=8, view_dependent=view_dependent)
    encoder = small(
        measurement, LayerSearch(n_layers=2), max_epochs=3, checkpoint=tmp_path / "checkpoint"
    )
    X, weights = TRAIN[:300], np.ones(300)
    weights[:5] = 0
    y = ball(X)
    y[:5] = 0.3
    found = clone(encoder).fit(X, y, sample_weight=weights)
    again = clone(encoder).fit(X, y, sample_weight=weights)
    np.testing.assert_array_equal(again.predict(NEW), found.predict(NEW))
    plain = clone(encoder).set_params(checkpoint=None).fit(X[5:], y[5:])
    np.testing.assert_array_equal(plain.predict(NEW), found.predict(NEW))
    joblib.dump(found, tmp_path / "fit.joblib")
    np.testing.assert_array_equal(
        joblib.load(tmp_path / "fit.joblib").predict(NEW), found.predict(NEW)
    )
    found.partial_fit(X, y)
