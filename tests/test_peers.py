"""The published networks, against statements of their formulas in NumPy."""

import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import torch
from sklearn.base import clone

import skmire.peers as peers
from skmire import FixedSequence, LayerSearch, MIREncoder, ProjectionSearch, Trainer
from skmire.datasets import grid_samples
from skmire.networks import sweep_of
from skmire.networks._sweep import AutogradSweep
from skmire.peers import Harmonised, MultiplicativeFilters
from skmire.peers._incode import as_grid, features_of
from skmire.training import Samples

SMALL = {"hidden_width": 12, "max_epochs": 3, "random_state": 0}
IMAGE = np.random.default_rng(0).random((9, 7, 2))
X, Y = grid_samples(IMAGE)
PEERS = {
    "siren": peers.siren,
    "siren first": lambda **options: peers.siren(first_frequency=90.0, **options),
    # At scales that leave something of their values everywhere, which 30 does not.
    "gauss": lambda **options: peers.gauss(scale=3.0, **options),
    "wire": lambda **options: peers.wire(scale=10.0, **options),
    "wire real": lambda **options: peers.wire(complex=False, scale=10.0, **options),
    "finer": peers.finer,
    "finer wide": lambda **options: peers.finer(first_bias=10.0, exact_slope=True, **options),
    "gabornet": peers.mfn,
    "fouriernet": lambda **options: peers.mfn("fourier", **options),
    "incode": peers.incode,
    "fourier_relu": peers.fourier_relu,
}
EACH = pytest.mark.parametrize("make", PEERS.values(), ids=PEERS)
NAMED = pytest.mark.parametrize("name", PEERS)


# -- the formulas --------------------------------------------------------------------------------


def activation(name):
    """Return a peer's elementwise function, layer by layer."""
    return {
        "siren": lambda z, i: np.sin(30 * z),
        "siren first": lambda z, i: np.sin((90 if i == 0 else 30) * z),
        "gauss": lambda z, i: np.exp(-((3 * z) ** 2)),
        "wire": lambda z, i: np.exp(20j * z - np.abs(10 * z) ** 2),
        "wire real": lambda z, i: np.cos(20 * z) * np.exp(-((10 * z) ** 2)),
        "finer": lambda z, i: np.sin(30 * (np.abs(z) + 1) * z),
        "finer wide": lambda z, i: np.sin(30 * (np.abs(z) + 1) * z),
        "fourier_relu": lambda z, i: np.maximum(z, 0),
    }[name]


def of(part):
    """Return weights and biases in double precision; complex ones stay complex."""
    weight, bias = (p.detach().numpy() for p in (part.weight, part.bias))
    kind = complex if np.iscomplexobj(weight) else float
    return weight.astype(kind), bias.astype(kind)


def formula(name, network, x):
    """Return a peer's values at `x`, in the box, with the weights of `network`."""
    maps = [of(affine) for affine in network.affines]
    if name in ("gabornet", "fouriernet"):

        def filtered(i):
            w, b = of(network.filters[i])
            waves = np.sin(x @ w.T + b)
            if name == "fouriernet":
                return waves
            centres = network.windows[i].centres.detach().double().numpy()
            gamma = network.windows[i].narrowness.detach().double().numpy()
            squares = ((x[:, None] - centres) ** 2).sum(axis=2)
            return waves * np.exp(-gamma / 2 * squares)

        h = filtered(0)
        for i, (w, b) in enumerate(maps[:-1], start=1):
            h = (h @ w.T + b) * filtered(i)
    elif name == "incode":
        code = network.features.double().numpy()
        *hidden, (w, b) = [of(layer) for layer in network.harmoniser]
        for v, c in hidden:
            code = v @ code + c
            code = code / (1 + np.exp(-code))
        amplitude, frequency, phase, offset = w @ code + b
        h = x
        for w, b in maps[:-1]:
            z = np.exp(frequency) * 30 * (h @ w.T + b) + phase
            h = np.exp(amplitude) * np.sin(z) + offset
    else:
        h = x
        if name == "fourier_relu":
            h = np.hstack([x, *(f(2.0**k * x[:, [j]]) for f in (np.sin, np.cos)
                                for j in range(x.shape[1]) for k in range(10))])  # fmt: skip
        for i, (w, b) in enumerate(maps[:-1]):
            h = activation(name)(h @ w.T + b, i)
    w, b = maps[-1]
    return (h @ w.T + b).real


def in_box(x):
    return 2 * (x - x.min(axis=0)) / np.ptp(x, axis=0) - 1


@pytest.mark.parametrize(
    ("name", "dtype", "tolerance"),
    [
        *((name, "float64", 1e-10) for name in PEERS),
        # Of thousands of radians, as of wide biases, single precision leaves four digits.
        *((name, "float32", 1e-5) for name in PEERS if name != "finer wide"),
    ],
)
def test_values_are_the_formula(name, dtype, tolerance):
    network = PEERS[name](**SMALL, dtype=dtype).fit(X, Y).network_
    x = np.random.default_rng(1).uniform(-1, 1, (40, 2)).astype(dtype)
    given = network(torch.from_numpy(x)).detach().numpy()
    expected = formula(name, network, x.astype(float))
    np.testing.assert_allclose(given, expected, rtol=0, atol=tolerance * np.abs(expected).max())
    assert np.ptp(expected) > 0


@NAMED
def test_predictions_are_the_formula_in_the_users_units(name):
    encoder = PEERS[name](**SMALL, dtype="float64").fit(X, Y)
    scaling = encoder.value_scaling_
    expected = formula(name, encoder.network_, in_box(X)) * scaling.half_range + scaling.centre
    np.testing.assert_allclose(encoder.predict(X), expected, rtol=0, atol=1e-9)


@EACH
def test_gradients_are_those_of_the_values(make):
    encoder = make(**{**SMALL, "max_epochs": 1}, dtype="float64").fit(X, Y)
    points = np.random.default_rng(2).uniform(0, 6, (30, 2))
    step = 1e-6
    slopes = [
        (encoder.predict(points + shift) - encoder.predict(points - shift)) / (2 * step)
        for shift in step * np.eye(2)
    ]
    gradient = encoder.gradient(points)
    np.testing.assert_allclose(
        gradient, np.stack(slopes, axis=2), rtol=0, atol=1e-5 * np.abs(gradient).max()
    )


@EACH
def test_training_follows_the_loss_or_says_it_does_not(make):
    """Of FINER by its authors' slope, the derivative leaves a factor out; of all others not."""
    network = make(**SMALL, dtype="float64").fit(X, Y).network_
    x, y = torch.from_numpy(in_box(X)), torch.from_numpy(Y)
    found = []
    for sweep in (sweep_of(network), AutogradSweep(network)):
        sweep(x, lambda values, rows: 2 * (values - y[rows]) / y.numel())
        found.append([p.grad.clone() for p in network.parameters() if p.requires_grad])
    if make is peers.finer:
        assert not torch.allclose(found[0][0], found[1][0], rtol=1e-3)
    else:
        torch.testing.assert_close(*found, rtol=1e-7, atol=1e-10)


# -- how they start ------------------------------------------------------------------------------


def started(encoder, width=400):
    """Return the network of an encoder as it is before training."""
    search, network = encoder.search, encoder.network
    box = torch.from_numpy(in_box(X))
    return network.build(
        [a.fresh(a.base) for a in search.atoms],
        in_features=2,
        out_features=2,
        hidden_width=width,
        generator=torch.Generator().manual_seed(3),
        dtype=torch.float64,
        signal=(box, torch.from_numpy(Y)),
    )


def spread_evenly(values, bound):
    ravelled = values.detach().numpy().ravel() / bound
    return scipy.stats.kstest(ravelled, "uniform", (-1, 2)).pvalue > 1e-3


@pytest.mark.parametrize("make", [peers.siren, peers.finer, peers.incode])
def test_sinusoids_start_as_sirens(make):
    network = started(make())
    bounds = [1 / 2, *[(6 / 400) ** 0.5 / 30] * 4]
    for affine, bound, n in zip(network.affines, bounds, [2, *[400] * 4], strict=True):
        assert spread_evenly(affine.weight, bound)
        assert spread_evenly(affine.bias, n**-0.5)


@pytest.mark.parametrize("make", [peers.gauss, peers.wire, peers.fourier_relu])
def test_the_others_start_as_torchs_layers(make):
    for affine in started(make()).affines:
        bound = affine.weight.shape[1] ** -0.5
        for part in ("real", "imag") if affine.weight.is_complex() else ("real",):
            assert spread_evenly(getattr(affine.weight, part), bound)


def test_finers_first_biases_may_be_wide():
    first, second, *_ = started(peers.finer(first_bias=20.0)).affines
    assert spread_evenly(first.bias, 20.0)
    assert spread_evenly(second.bias, 400**-0.5)


@pytest.mark.parametrize("kind", ["gabor", "fourier"])
def test_filters_start_as_their_paper_says(kind):
    network = started(peers.mfn(kind, input_scale=64.0), width=1_000)
    for i, affine in enumerate(network.filters):
        root = torch.ones(1_000)
        if kind == "gabor":
            gamma = network.windows[i].narrowness.detach()
            assert scipy.stats.kstest(gamma, "gamma", (6 / 4,)).pvalue > 1e-3
            assert spread_evenly(network.windows[i].centres, 1.0)
            root = gamma.sqrt()
        assert spread_evenly(affine.weight / root[:, None], 64 / (4 * 2) ** 0.5)
        assert spread_evenly(affine.bias, np.pi)
    for affine in network.affines:
        assert spread_evenly(affine.weight, 1_000**-0.5)


def test_incodes_coefficients_start_alike():
    network = started(peers.incode())
    torch.testing.assert_close(
        network.coefficients.detach(), torch.full((4,), 0.312).double(), atol=0.05, rtol=0
    )
    first = network.harmoniser[0]
    assert 0.9e-3 < first.weight.std() < 1.1e-3
    assert (first.bias == 0.312).all()


def test_the_numbers_of_parameters_are_those_of_the_papers():
    """Atoms are not trained; a complex weight counts two, so that WIRE has about as many."""

    def count(make, **options):
        return make(**{**SMALL, "max_epochs": 1, **options}).fit(X, Y[:, 0]).network_.n_parameters

    plain = (2 * 64 + 64) + 2 * (64 * 64 + 64) + (64 + 1)
    assert count(peers.siren, hidden_width=64, n_layers=3) == plain
    assert count(peers.finer, hidden_width=64, n_layers=3) == plain
    assert count(peers.wire, hidden_width=64, complex=False) == plain
    assert count(peers.wire, hidden_width=64) == (2 * 45 + 45) + 4 * (45 * 45 + 45) + 2 * (45 + 1)
    filters = 3 * (2 * 64 + 64)
    between = 2 * (64 * 64 + 64) + 64 + 1
    assert count(peers.mfn, kind="fourier", hidden_width=64, n_layers=3) == filters + between
    assert count(peers.mfn, hidden_width=64, n_layers=3) == 2 * filters + between
    harmoniser = (64 * 64 + 64) + (64 * 32 + 32) + (32 * 4 + 4)
    assert count(peers.incode, hidden_width=64, n_layers=3) == plain + harmoniser


# -- recipes -------------------------------------------------------------------------------------

# Rate, its decay, samples a step, steps or passes, width, layers, as in the papers' code.
RECIPES = {
    "siren": (1e-4, 1.0, "all", 10_000, 256, 4),
    "gauss": (5e-3, 0.1, "all", 5_000, 256, 4),
    "wire": (5e-3, 0.1, 65_536, 2_000, 181, 3),
    "finer": (5e-4, 0.1, "all", 5_000, 256, 4),
    "gabornet": (1e-2, 1.0, "all", 10_000, 256, 4),
    "incode": (9e-4, 0.1, 65_536, 501, 256, 4),
    "fourier_relu": (1e-3, 0.1, "all", 5_000, 256, 4),
}


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_the_authors(name):
    encoder = PEERS[name]()
    trainer = encoder.trainer
    found = (
        trainer.learning_rate,
        trainer.decay,
        trainer.batch_size,
        encoder.max_epochs,
        encoder.hidden_width,
        encoder.search.depth,
    )
    assert found == RECIPES[name]
    assert trainer.optimizer is torch.optim.Adam


def test_scales_are_the_authors():
    assert peers.gauss().search.atoms[0].start == {"scale": 30.0}
    for kind in (True, False):
        start = peers.wire(complex=kind).search.atoms[0].start
        assert start == {"frequency": 20.0, "scale": 30.0}


def test_all_samples_in_one_step():
    samples = Samples(torch.zeros(123_456, 1), torch.zeros(123_456, 1))
    assert Trainer(batch_size="all").batch_size_for(samples) == 123_456
    with pytest.raises(ValueError, match="'batch_size' parameter of Trainer"):
        peers.siren(**SMALL, trainer=Trainer(batch_size="most")).fit(X, Y)


@EACH
def test_first_weights_are_not_stretched(make):
    """Matched scales would stretch them along an axis on which the signal varies faster."""
    bars = np.sin(np.linspace(0, 30, 20))[:, None] * np.ones((20, 20))
    weights = []
    for image in (bars, bars.T):
        encoder = make(**{**SMALL, "max_epochs": 1}, learning_rate=1e-12)
        network = encoder.fit(*grid_samples(image)).network_
        first = getattr(network, "filters", network.affines)[0]  # of what reads the coordinates
        weights.append(first.weight.detach())
    torch.testing.assert_close(*weights, rtol=1e-5, atol=1e-9)


def test_options_take_the_place_of_the_recipe():
    encoder = peers.siren(trainer=Trainer(learning_rate=2e-3), dtype="float64", hidden_width=7)
    assert isinstance(encoder, MIREncoder)
    assert encoder.get_params()["trainer__learning_rate"] == 2e-3
    assert (encoder.dtype, encoder.hidden_width) == ("float64", 7)
    with pytest.raises(TypeError, match="hidden_widht"):
        peers.siren(hidden_widht=7)


# -- as estimators -------------------------------------------------------------------------------


@EACH
def test_peers_are_estimators(make, tmp_path):
    encoder = make(**SMALL, checkpoint=tmp_path / "fit").fit(X, Y)
    values, gradient = encoder.predict(X), encoder.gradient(X)
    assert values.shape == Y.shape
    assert gradient.shape == (*Y.shape, 2)
    assert encoder.transform(X).shape == (len(X), len(encoder.get_feature_names_out()))
    assert np.isfinite(encoder.score(X, Y))
    joblib.dump(encoder, tmp_path / "saved")
    for again in (
        pickle.loads(pickle.dumps(encoder)),
        joblib.load(tmp_path / "saved"),
        clone(encoder).fit(X, Y),  # from the checkpoint
        make(**SMALL).fit(X, Y),
    ):
        np.testing.assert_array_equal(again.predict(X), values)
        assert again.get_params().keys() == encoder.get_params().keys()
    encoder.set_params(warm_start=True).fit(X, Y)
    assert encoder.n_iter_ == 6


@pytest.mark.parametrize("network", [MultiplicativeFilters("fourier"), Harmonised(3.0)])
@pytest.mark.parametrize("search", [LayerSearch(2, selection="train"), ProjectionSearch(2)])
def test_other_searches_take_these_networks(network, search):
    x, y = grid_samples(IMAGE[:5, :5, 0])
    if isinstance(network, Harmonised):
        search = clone(search).set_params(selection="train")
    encoder = MIREncoder(
        ["sinusoid", "gaussian"], search, network=network, hidden_width=6, max_epochs=2
    )
    assert len(encoder.fit(x, y).activations_) == 2


@pytest.mark.parametrize("network", [MultiplicativeFilters(), Harmonised()])
def test_complex_atoms_are_refused(network):
    encoder = MIREncoder(search=FixedSequence("complex_gabor", 2), network=network, max_epochs=1)
    with pytest.raises(ValueError, match=r"takes real atoms, and complex_gabor is complex\. Take"):
        encoder.fit(X, Y)


def test_parameters_out_of_range_are_refused():
    for network, name in [
        (MultiplicativeFilters("wavelet"), "kind"),
        (MultiplicativeFilters(input_scale=0.0), "input_scale"),
        (MultiplicativeFilters(alpha=-1.0), "alpha"),
        (Harmonised(0.0), "frequency"),
    ]:
        with pytest.raises(ValueError, match=f"'{name}' parameter of {type(network).__name__}"):
            peers.siren(network=network).fit(X, Y)


@pytest.mark.parametrize("n_layers", [0, -3, 2.5])
def test_every_peer_needs_a_whole_number_of_layers(n_layers):
    for name in ("siren", "finer", "wire", "gauss", "mfn", "incode", "fourier_relu"):
        with pytest.raises(ValueError, match=rf"n_layers must be a whole.*got {n_layers}"):
            getattr(peers, name)(n_layers=n_layers)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (peers.siren, "frequency"),
        (peers.siren, "first_frequency"),
        (peers.finer, "frequency"),
        (peers.gauss, "scale"),
        (peers.wire, "scale"),
    ],
)
@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_layers_that_do_not_vary_are_refused(make, name, scale):
    with pytest.raises(ValueError, match=rf"^{name} must be a finite number above 0, got {scale}"):
        make(**{name: scale})


# -- INCODE's signal -----------------------------------------------------------------------------


def test_a_grid_is_found_in_any_order():
    coords, values = (torch.from_numpy(a) for a in (X, Y))
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(0))
    image = as_grid(coords[order], values[order])
    np.testing.assert_array_equal(image[0].permute(1, 2, 0), IMAGE)


NO_GRIDS = {
    "scattered": np.random.default_rng(0).random((63, 2)),
    "one missing": X[1:],
    "one twice": np.vstack([X[:-1], X[:1]]),
}


@pytest.mark.parametrize("coords", NO_GRIDS.values(), ids=NO_GRIDS)
def test_incode_needs_a_grid(coords):
    said = r"INCODE reads the signal as an image: X must hold every point .* such as skmire\.peers"
    with pytest.raises(ValueError, match=said):
        peers.incode(**SMALL).fit(coords, Y[: len(coords)])


def test_incode_needs_few_dimensions():
    coords, values = grid_samples(np.random.default_rng(0).random((3, 3, 3, 3)), n_dims=4)
    with pytest.raises(ValueError, match="in one to 3 dimensions; X has 4"):
        peers.incode(**SMALL).fit(coords, values)


@pytest.mark.parametrize("sides", [(40,), (12, 10), (6, 5, 4)])
def test_incode_takes_grids_of_one_to_three_dimensions(sides):
    coords, values = grid_samples(np.random.default_rng(0).random(sides), n_dims=len(sides))
    encoder = peers.incode(**SMALL).fit(coords, values)
    assert encoder.network_.features.shape == (64,)
    assert encoder.network_.features.std() > 0


def test_features_are_those_of_a_residual_network():
    """The first channel of the first convolution, by SciPy; and the whole depends on the image."""
    image = torch.rand(1, 2, 16, 12, generator=torch.Generator().manual_seed(0)).double()
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(64, 2, 7, 7, generator=generator).double() * (2 / (64 * 49)) ** 0.5
    given = torch.nn.functional.conv2d(image, weight, stride=2, padding=3)[0, 0]
    wanted = sum(
        scipy.ndimage.correlate(image[0, c].numpy(), weight[0, c].numpy(), mode="constant")
        for c in (0, 1)
    )[::2, ::2]
    np.testing.assert_allclose(given, wanted, atol=1e-12)

    def features(x):
        return features_of(x, torch.Generator().manual_seed(1))

    assert (features(image) >= 0).all()
    torch.testing.assert_close(features(image), features(3 * image), rtol=1e-2, atol=1e-3)
    assert not torch.allclose(features(image), features(image**4), rtol=1e-2)


# -- the plain loops -----------------------------------------------------------------------------

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.skipif(not BENCHMARKS.exists(), reason="benchmarks are not part of an archive")
@pytest.mark.parametrize("name", ["siren", "finer", "gauss", "gabor"])
def test_the_benchmarks_loops_train_these_networks(name, monkeypatch):
    """Plain torch, with the weights of a peer: the same values and the same gradients."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import plain_peers

    plain = plain_peers.PEERS[name]
    first, hidden = plain.scales
    make = {
        "siren": lambda: peers.siren(n_layers=3, first_frequency=first, frequency=hidden),
        "finer": lambda: peers.finer(n_layers=3, frequency=hidden),
        "gauss": lambda: peers.gauss(search=sequence(peers.gauss, "scale", plain.scales)),
        "gabor": lambda: peers.wire(search=wavelets(plain.scales), complex=False),
    }[name]
    encoder = make().set_params(max_epochs=1, hidden_width=256, random_state=0, dtype="float64")
    network = encoder.fit(X, Y).network_
    other = plain_peers.Network(plain, "photograph crop", 2, 2).double()
    with torch.no_grad():
        for mine, theirs in zip(network.affines, other.maps, strict=True):
            theirs.weight.copy_(mine.weight)
            theirs.bias.copy_(mine.bias)
    x, y = torch.from_numpy(in_box(X)), torch.from_numpy(Y)
    torch.testing.assert_close(network(x), other(x), rtol=0, atol=1e-10)
    ((other(x) - y) ** 2).mean().backward()
    sweep_of(network)(x, lambda values, rows: 2 * (values - y[rows]) / y.numel())
    for mine, theirs in zip(network.affines, other.maps, strict=True):
        torch.testing.assert_close(mine.weight.grad, theirs.weight.grad, rtol=1e-7, atol=1e-12)
        torch.testing.assert_close(mine.bias.grad, theirs.bias.grad, rtol=1e-7, atol=1e-12)
    if plain.init == "siren":  # they start alike, too
        fresh = plain_peers.Network(plain, "photograph crop", 2, 2)
        for mine, theirs in zip(started(make(), 256).affines, fresh.maps, strict=True):
            weights = (w.detach().numpy().ravel() for w in (mine.weight, theirs.weight))
            assert scipy.stats.ks_2samp(*weights).pvalue > 1e-3


def sequence(make, parameter, scales):
    first, hidden = (make(**{parameter: scale}).search.atoms[0] for scale in scales)
    return FixedSequence([first, hidden, hidden], train_atoms=False)


def wavelets(scales):
    first, hidden = (
        peers.wire(complex=False, frequency=scale, scale=scale).search.atoms[0] for scale in scales
    )
    return FixedSequence([first, hidden, hidden], train_atoms=False)
