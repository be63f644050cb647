"""The layers of atoms, against independent statements of what they compute."""

import numpy as np
import pytest
import scipy.stats
import torch

from skmire import Architecture, FixedSequence, MIREncoder
from skmire.atoms import ComplexGabor, Gabor, Gaussian, Sinc, Sinusoid, make_atom
from skmire.networks import LayerStack


def stack(atoms, *, n_in=2, n_out=3, width=8, dtype=torch.float64, seed=0):
    return LayerStack(
        atoms,
        in_features=n_in,
        out_features=n_out,
        hidden_width=width,
        generator=torch.Generator().manual_seed(seed),
        dtype=dtype,
    )


def affine_maps(network):
    return [
        (a.weight.detach().numpy().astype(complex), a.bias.detach().numpy().astype(complex))
        for a in network.affines
    ]


COORDS = torch.rand(20, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64) * 2 - 1


def test_the_papers_network_has_its_number_of_parameters():
    network = stack([Sinc(), Gabor(), Sinc()], width=300)
    assert network.n_parameters == 182_403 + sum(len(a.base) for a in network.sequence)


def test_a_complex_weight_counts_two():
    atoms = len(ComplexGabor.base) + len(Gaussian.base)
    network = stack([ComplexGabor(), Gaussian()], width=8)
    assert network.n_parameters == (2 * 8 + 8) + 2 * (8 * 8 + 8) + (8 * 3 + 3) + atoms
    network = stack([Gaussian(), ComplexGabor()], width=8)
    assert network.n_parameters == (2 * 8 + 8) + (8 * 8 + 8) + 2 * (8 * 3 + 3) + atoms


def test_frozen_parameters_do_not_count():
    network = stack([Sinc(), Gabor()])
    before = network.n_parameters
    network.sequence[0].requires_grad_(False)
    assert network.n_parameters == before - len(Sinc.base)


def test_sinusoids_alone_are_siren():
    network = stack([Sinusoid(frequency=30.0, phase=0.0), Sinusoid(frequency=10.0, phase=0.2)])
    (w0, b0), (w1, b1), (w2, b2) = affine_maps(network)
    h = np.sin(30 * (COORDS.numpy() @ w0.T + b0))
    h = np.sin(10 * (h @ w1.T + b1) + 0.2)
    np.testing.assert_allclose(
        network(COORDS).detach().numpy(), (h @ w2.T + b2).real, rtol=1e-10, atol=1e-12
    )


def test_complex_wavelets_alone_are_wire():
    a, g = 7.0, 1.5
    network = stack([ComplexGabor(frequency=a, scale=g), ComplexGabor(frequency=a, scale=g)])
    assert [m.weight.is_complex() for m in network.affines] == [False, True, True]
    *layers, (w, b) = affine_maps(network)
    h = COORDS.numpy()
    for weight, bias in layers:
        z = h @ weight.T + bias
        h = np.exp(1j * a * z - np.abs(g * z) ** 2)
    assert np.abs(h.imag).max() > 0.1
    values = network(COORDS)
    assert not values.is_complex()
    np.testing.assert_allclose(values.detach().numpy(), (h @ w.T + b).real, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("handover", "taken"), [("real", np.real), ("modulus", np.abs)])
def test_a_real_atom_reads_what_the_complex_one_hands_over(handover, taken):
    network = stack(
        [ComplexGabor(frequency=3.0, scale=1.0, handover=handover), Gaussian(scale=2.0)]
    )
    assert [m.weight.is_complex() for m in network.affines] == [False, True, False]
    (w0, b0), (w1, b1), (w2, b2) = affine_maps(network)
    z = COORDS.numpy() @ w0.T + b0
    z = taken(np.exp(3j * z - np.abs(z) ** 2) @ w1.T + b1)
    expected = np.exp(-((2 * z) ** 2)) @ w2.T + b2
    np.testing.assert_allclose(
        network(COORDS).detach().numpy(), expected.real, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("atoms", [(Sinc, Gabor), (ComplexGabor, ComplexGabor)])
def test_draws_do_not_depend_on_the_dtype(atoms):
    double = stack([a() for a in atoms])
    single = stack([a() for a in atoms], dtype=torch.float32)
    for d, s in zip(double.affines, single.affines, strict=True):
        assert torch.equal(d.weight.to(s.weight.dtype), s.weight)
        assert torch.equal(d.bias.to(s.bias.dtype), s.bias)


def test_draws_come_from_the_generator_alone():
    torch.manual_seed(1)
    one = stack([Sinc()])
    torch.manual_seed(2)
    two, other = stack([Sinc()]), stack([Sinc()], seed=1)
    assert torch.equal(one.affines[0].weight, two.affines[0].weight)
    assert not torch.equal(one.affines[0].weight, other.affines[0].weight)


def test_weights_fill_torchs_default_range():
    weight = stack([Sinc(), Sinc()], width=200).affines[1].weight.detach()
    k = 200**-0.5
    assert 0.99 * k < weight.max() <= k
    assert -k <= weight.min() < -0.99 * k
    assert abs(weight.mean()) < 0.02 * k


def test_hidden_returns_the_last_layers_features():
    network = stack([Sinc(), Gabor()], width=8)
    hidden = network.hidden(COORDS)
    assert hidden.shape == (20, 8)
    assert torch.equal(network.affines[-1](hidden), network(COORDS))


# Of the weights, layer by layer, with 2 coordinates, 400 units and 3 outputs, behind sinusoids of
# frequency 30 and 5: the half range of uniform draws, the deviation of normal ones.
N_IN, M_OUT = (2, 400, 400), (400, 400, 3)
STARTS = {
    "torch": ("uniform", [n**-0.5 for n in N_IN]),
    "siren": ("uniform", [1 / 2, (6 / 400) ** 0.5 / 5, (6 / 400) ** 0.5 / 5]),
    "xavier": ("uniform", [(6 / (n + m)) ** 0.5 for n, m in zip(N_IN, M_OUT, strict=True)]),
    "kaiming": ("normal", [(2 / n) ** 0.5 for n in N_IN]),
    "normal": ("normal", [n**-0.5 for n in N_IN]),
}


def built(*atoms, **options):
    return Architecture(**{"output_scale": 1.0, **options}).build(
        atoms,
        in_features=2,
        out_features=3,
        hidden_width=400,
        generator=torch.Generator().manual_seed(0),
        dtype=torch.float64,
    )


@pytest.mark.parametrize("init", STARTS)
def test_weights_start_in_their_distribution(init):
    network = built(Sinusoid(frequency=30.0), Sinusoid(frequency=5.0), weight_init=init)
    kind, sizes = STARTS[init]
    for affine, size, n in zip(network.affines, sizes, N_IN, strict=True):
        weight = affine.weight.detach().numpy().ravel() / size
        if kind == "uniform":
            result = scipy.stats.kstest(weight, "uniform", (-1, 2))
        else:
            result = scipy.stats.kstest(weight, "norm")
        assert result.pvalue > 1e-3
        assert 0.9 * n**-0.5 < affine.bias.abs().max() <= n**-0.5


def test_orthogonal_weights_are():
    network = built(Sinusoid(), Sinusoid(), weight_init="orthogonal")
    first, hidden, last = (affine.weight for affine in network.affines)
    for product, n in ((first.T @ first, 2), (hidden @ hidden.T, 400), (last @ last.T, 3)):
        torch.testing.assert_close(product.detach(), torch.eye(n, dtype=torch.float64))


def test_sirens_scale_is_a_step_size_and_no_amplitude():
    """With SIREN's start, hidden layers begin alike whatever their frequency."""
    low, high = (
        built(Sinusoid(frequency=30.0), Sinusoid(frequency=w), weight_init="siren")
        for w in (3.0, 30.0)
    )
    spread = [3.0 * low.affines[1].weight.std(), 30.0 * high.affines[1].weight.std()]
    torch.testing.assert_close(*spread)


def test_an_atom_without_a_scale_starts_siren_as_one():
    weight = built(make_atom("relu"), make_atom("relu"), weight_init="siren").affines[1].weight
    assert 0.9 * (6 / 400) ** 0.5 < weight.abs().max() <= (6 / 400) ** 0.5


def test_starts_may_differ_by_atom():
    mixed = built(Sinusoid(), Gaussian(), weight_init={"gaussian": "orthogonal"})
    hidden, last = mixed.affines[1].weight, mixed.affines[2].weight
    eye = torch.eye(400, dtype=torch.float64)
    torch.testing.assert_close((hidden @ hidden.T).detach(), eye)
    torch.testing.assert_close((last @ last.T).detach(), eye[:3, :3])
    plain = built(Sinusoid(), Gaussian())
    assert torch.equal(mixed.affines[0].weight, plain.affines[0].weight)


def test_wide_first_biases():
    network = built(Sinusoid(), Sinusoid(), first_bias=20.0)
    assert 19 < network.affines[0].bias.abs().max() <= 20
    assert network.affines[1].bias.abs().max() <= 400**-0.5


def test_the_map_to_the_outputs_starts_smaller_and_nothing_else_differs():
    whole, tenth = (built(Sinusoid(), Sinc(), output_scale=s) for s in (1.0, 0.1))
    *hidden, last = zip(whole.affines, tenth.affines, strict=True)
    for a, b in hidden:
        assert torch.equal(a.weight, b.weight)
        assert torch.equal(a.bias, b.bias)
    torch.testing.assert_close(0.1 * last[0].weight, last[1].weight)
    torch.testing.assert_close(0.1 * last[0].bias, last[1].bias)


def test_the_encoder_builds_what_it_is_given():
    x = np.linspace(0, 1, 40)[:, None]
    encoder = MIREncoder(
        search=FixedSequence("gaussian", 2),
        network=Architecture("orthogonal", first_bias=50.0),
        max_epochs=1,
        random_state=0,
    ).fit(x, np.cos(9 * x[:, 0]))
    assert encoder.network_.affines[0].bias.abs().max() > 40
    hidden = encoder.network_.affines[1].weight.detach()
    torch.testing.assert_close(hidden @ hidden.T, torch.eye(256), atol=0.5, rtol=0)
    encoder.set_params(warm_start=True, network__first_bias=1.0)
    with pytest.raises(ValueError, match="network cannot change"):
        encoder.fit(x, x[:, 0])
