"""What the first layer reads, and what layers add to: encodings and residual connections."""

import pickle

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.base import clone

from skmire import ActivationDictionary, Architecture, FixedSequence, MIREncoder
from skmire.atoms import ComplexGabor, Gabor, Gaussian, RaisedCosine, ReLU, Sinc, Sinusoid
from skmire.networks import FourierFeatures, PositionalEncoding, sweep_of
from skmire.networks._sweep import AutogradSweep, LayerSweep

COORDS = torch.rand(50, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64) * 2 - 1
X = np.random.default_rng(0).uniform(-3, 8, size=(200, 2))
Y = np.stack([np.sin(X[:, 0]) * X[:, 1], np.cos(X.sum(axis=1))], axis=1)
POSITIONAL = PositionalEncoding(3, lowest=2.0)
FOURIER = FourierFeatures(7, scale=1.5, with_coordinates=True)
SHAPES = {
    "positional": {"encoding": POSITIONAL},
    "fourier": {"encoding": FOURIER},
    "residual": {"residual": True},
    "both": {"encoding": POSITIONAL, "residual": True},
}
EACH = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def built(*atoms, dtype=torch.float64, width=16, stretch=None, seed=0, **shape):
    return Architecture(**shape).build(
        atoms,
        in_features=2,
        out_features=3,
        hidden_width=width,
        generator=torch.Generator().manual_seed(seed),
        dtype=dtype,
        stretch=stretch,
    )


def arrays(network):
    return [(a.weight.detach().numpy(), a.bias.detach().numpy()) for a in network.affines]


def test_positional_features_are_the_formula():
    x = COORDS.numpy()
    waves = [f(2.0 * 2**k * x[:, [j]]) for f in (np.sin, np.cos) for j in (0, 1) for k in range(3)]
    given = POSITIONAL.build(2, torch.Generator())(COORDS).numpy()
    np.testing.assert_allclose(given, np.hstack([x, *waves]), rtol=0, atol=1e-12)
    bare = PositionalEncoding(3, with_coordinates=False).build(2, torch.Generator())(COORDS)
    np.testing.assert_allclose(bare[:, 2], np.sin(4 * np.pi * x[:, 0]), atol=1e-12)
    assert bare.shape == (50, 12)


def test_fourier_features_are_the_formula():
    waves = FOURIER.build(2, torch.Generator().manual_seed(1))
    angles = COORDS.numpy() @ waves.frequencies.numpy()
    expected = np.hstack([COORDS.numpy(), np.sin(angles), np.cos(angles)])
    np.testing.assert_allclose(waves(COORDS).numpy(), expected, rtol=0, atol=1e-12)


def test_fourier_frequencies_are_normal_in_cycles():
    waves = FourierFeatures(2_000, scale=4.0).build(2, torch.Generator().manual_seed(0))
    cycles = waves.frequencies.numpy().ravel() / (2 * np.pi)
    assert scipy.stats.kstest(cycles / 4.0, "norm").pvalue > 1e-3


def test_an_encoded_residual_stack_is_its_formula():
    network = built(Sinusoid(frequency=3.0), Gaussian(scale=2.0), Sinusoid(), **SHAPES["both"])
    (w0, b0), (w1, b1), (w2, b2), (w3, b3) = arrays(network)
    encoded = POSITIONAL.build(2, torch.Generator())(COORDS).numpy()
    h = np.sin(3 * (encoded @ w0.T + b0))  # the first layer's inputs are of another width
    h = h + np.exp(-((2 * (h @ w1.T + b1)) ** 2))
    h = h + np.sin(h @ w2.T + b2)
    expected = h @ w3.T + b3
    np.testing.assert_allclose(network(COORDS).detach().numpy(), expected, rtol=1e-10, atol=1e-12)


def test_residuals_pass_from_complex_layers_to_real_ones_and_back():
    network = built(Gaussian(), ComplexGabor(), Gaussian(), residual=True)
    (w0, b0), (w1, b1), (w2, b2), (w3, b3) = arrays(network)
    h = np.exp(-((COORDS.numpy() @ w0.T + b0) ** 2))
    z = h @ w1.T + b1
    h = h + np.exp(1j * z - np.abs(z) ** 2)
    h = h.real + np.exp(-((h @ w2.T + b2).real ** 2))
    np.testing.assert_allclose(
        network(COORDS).detach().numpy(), h @ w3.T + b3, rtol=1e-10, atol=1e-12
    )


@EACH
@pytest.mark.parametrize("atom", [Gabor, Sinc, RaisedCosine, ReLU, Gaussian], ids=str)
def test_the_sweep_is_autograd(shape, atom):
    network = built(atom(), Sinusoid(frequency=2.0), atom(), **shape)
    x = COORDS.repeat(30, 1) * torch.linspace(0.5, 1, 1_500, dtype=torch.float64)[:, None]
    y = torch.rand(len(x), 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert isinstance(sweep_of(network), LayerSweep)
    found = []
    for sweep in (LayerSweep(network), AutogradSweep(network)):
        sweep(x, lambda values, rows: values.sub_(y[rows]))
        found.append([p.grad.clone() for p in network.parameters()])
        torch.testing.assert_close(sweep.values(x), network(x).detach(), rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(*found, rtol=1e-8, atol=1e-9)


def test_without_them_nothing_changes():
    plain = built(Sinc(), Gabor())
    assert plain.encoding is None
    coded = built(Sinc(), Gabor(), encoding=POSITIONAL)
    assert not any("encoding" in name for name, _ in coded.named_parameters())
    assert coded.n_parameters - plain.n_parameters == (14 - 2) * 16
    assert coded.widest == 16
    assert built(Sinc(), encoding=FourierFeatures(20)).widest == 40


def test_an_encoded_first_layer_starts_like_a_hidden_one():
    one = built(Sinusoid(frequency=5.0), encoding=POSITIONAL, weight_init="siren", width=400)
    bound = (6 / 14) ** 0.5 / 5
    assert 0.95 * bound < one.affines[0].weight.abs().max() <= bound
    stretched = built(Sinc(), encoding=POSITIONAL, stretch=[2.0, 0.5])
    assert torch.equal(
        stretched.affines[0].weight, built(Sinc(), encoding=POSITIONAL).affines[0].weight
    )
    wide = built(Sinc(), encoding=POSITIONAL, first_bias=9.0, width=100)
    assert 8 < wide.affines[0].bias.abs().max() <= 9


def test_an_encoded_first_layer_has_a_hidden_scale():
    encoder = MIREncoder(
        ActivationDictionary(["sinusoid"], init=(7.0, 3.0)),
        FixedSequence("sinusoid", 2, train_atoms=False),
        network=Architecture(encoding=POSITIONAL),
        hidden_width=4,
        max_epochs=1,
    )
    assert encoder.fit(X, Y).network_.scales == (3.0, 3.0)
    assert encoder.set_params(network__encoding=None).fit(X, Y).network_.scales == (7.0, 3.0)


def fitted(shape, **options):
    defaults = {"hidden_width": 16, "max_epochs": 2, "random_state": 0, "dtype": "float64"}
    return MIREncoder(
        ["gabor", "sinusoid"],
        FixedSequence(["gabor", "sinusoid", "gabor"]),
        network=Architecture(**shape),
        **{**defaults, **options},
    )


@EACH
def test_gradients_are_those_of_the_fit(shape):
    encoder = fitted(shape).fit(X, Y)
    step = 1e-5
    slopes = [
        (encoder.predict(X + shift) - encoder.predict(X - shift)) / (2 * step)
        for shift in step * np.eye(2)
    ]
    np.testing.assert_allclose(encoder.gradient(X), np.stack(slopes, axis=2), rtol=1e-5, atol=1e-6)


@EACH
def test_fits_are_saved_cloned_and_resumed(shape, tmp_path):
    encoder = fitted(shape, checkpoint=tmp_path / "fit").fit(X, Y)
    values = encoder.predict(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder)).predict(X), values)
    copied = clone(encoder)
    assert copied.get_params().keys() == encoder.get_params().keys()
    resumed = copied.fit(X, Y)  # from the checkpoint: the candidate is the same
    np.testing.assert_array_equal(resumed.predict(X), values)
    np.testing.assert_array_equal(fitted(shape).fit(X, Y).predict(X), values)
    with pytest.raises(ValueError, match="is of another fit"):
        clone(encoder).set_params(network__residual=not shape.get("residual", False)).fit(X, Y)


@EACH
def test_fits_go_on(shape):
    encoder = fitted(shape).fit(X, Y)
    encoder.set_params(warm_start=True).fit(X, Y).partial_fit(X, Y)
    assert encoder.n_iter_ == 5
    encoder.set_params(network__residual=not shape.get("residual", False))
    with pytest.raises(ValueError, match="network cannot change"):
        encoder.fit(X, Y)


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        (PositionalEncoding(0), "'n_frequencies' parameter of PositionalEncoding"),
        (PositionalEncoding(lowest=0.0), "'lowest' parameter of PositionalEncoding"),
        (FourierFeatures(scale=-1.0), "'scale' parameter of FourierFeatures"),
        ("positional", "'encoding' parameter of Architecture"),
    ],
)
def test_encodings_out_of_range_are_refused(encoding, said):
    with pytest.raises(ValueError, match=said):
        fitted({"encoding": encoding}).fit(X, Y)


def test_atoms_need_not_be_trained():
    encoder = fitted({}).set_params(search__train_atoms=False, search__atoms="sinusoid")
    network = encoder.fit(X, Y).network_
    assert network.n_parameters == (2 * 16 + 16) + 2 * (16 * 16 + 16) + (16 * 2 + 2)
    starts = encoder.set_params(max_epochs=1).fit(X, Y).network_
    assert [a.values() for a in network.sequence] == [a.values() for a in starts.sequence]
