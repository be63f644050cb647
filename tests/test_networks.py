"""The layers of atoms, against independent statements of what they compute."""

import numpy as np
import pytest
import torch

from skmire.atoms import ComplexGabor, Gabor, Gaussian, Sinc, Sinusoid
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
