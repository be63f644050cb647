"""The last layer, solved for in closed form at the end of a training."""

from unittest.mock import patch

import numpy as np
import pytest
import torch

from skmire import EnsembleSearch, FixedSequence, LayerSearch, MIREncoder, OccupancyEncoder, Trainer
from skmire.atoms import make_atom
from skmire.atoms._dictionary import REGISTRY
from skmire.measurements import GradientValues
from skmire.networks import LayerStack, MeanField
from skmire.training import Samples, _trainer
from skmire.training._evaluate import evaluation
from skmire.training._last_layer import refit_last_layer

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, size=(200, 2))
Y = np.sin(3 * X[:, 0]) + X[:, 1]


def network_of(atom="sinusoid", *, width=6, n_outputs=2, seed=0):
    return LayerStack(
        [make_atom(atom)] * 2, in_features=2, out_features=n_outputs, hidden_width=width,
        generator=torch.Generator().manual_seed(seed), dtype=torch.float64,
    )  # fmt: skip


def samples_of(targets, weights=None, x=X):
    columns = (None if weights is None else torch.tensor(weights / np.mean(weights))[:, None],)
    return Samples(torch.tensor(x), torch.tensor(targets), *columns)


def features(network, x):
    """Return what the values are a real linear map of, and the weights of that map."""
    with torch.no_grad():
        hidden = network.hidden(torch.tensor(x)).numpy()
        weight, bias = network.output.weight.numpy(), network.output.bias.numpy().real
    ones = np.ones((len(x), 1))
    if np.iscomplexobj(hidden):
        columns = np.hstack([hidden.real, -hidden.imag, ones])
        return columns, np.hstack([weight.real, weight.imag, bias[:, None]]).T
    return np.hstack([hidden, ones]), np.hstack([weight, bias[:, None]]).T


def by_hand(columns, present, targets, weights):
    """Return the weights of least GCV score, from hat matrices written out; no place twice."""
    root = np.sqrt(weights)[:, None]
    a, n = root * columns, weights.sum() ** 2 / (weights**2).sum()
    residuals = root * (targets - columns @ present)
    best, least = present.copy(), (residuals**2).sum(axis=0)
    for ridge in np.linalg.norm(a, 2) ** 2 * 10.0 ** np.arange(-8, 1.5, 0.5):
        inverse = np.linalg.inv(a.T @ a + ridge * np.eye(a.shape[1])) @ a.T
        hat = a @ inverse
        step = inverse @ residuals
        scores = ((residuals - a @ step) ** 2).sum(axis=0) / (1 - np.trace(hat) / n) ** 2
        for k, score in enumerate(scores):
            grown = np.linalg.norm((present + step)[:, k]) > 2 * np.linalg.norm(present[:, k])
            if np.trace(hat) <= n / 2 and score < least[k] and not grown:
                least[k], best[:, k] = score, (present + step)[:, k]
    return best


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("atom", ["sinusoid", "gaussian", "complex_gabor"])
@pytest.mark.parametrize(("n", "noise"), [(200, 0.0), (200, 0.1), (200, 3.0), (12, 0.0)])
def test_the_last_layer_is_that_of_least_cross_validation(atom, n, noise, weighted):
    network, x = network_of(atom), X[:n]
    columns, present = features(network, x)
    wanted = columns @ (1.3 * present) + noise * RNG.normal(size=(n, 2))
    weights = RNG.uniform(0, 2, size=n) if weighted else np.ones(n)
    expected = by_hand(columns, present, wanted, weights / weights.mean())
    refit_last_layer(network, samples_of(wanted, weights if weighted else None, x))
    np.testing.assert_allclose(features(network, x)[1], expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("n", [9, 30])
def test_weights_are_as_good_as_repeated_rows(n):
    counts, x = np.arange(n) % 4, X[:n]
    targets = RNG.normal(size=(n, 2))
    weighted, repeated = network_of(), network_of()
    refit_last_layer(weighted, samples_of(targets, counts, x))
    refit_last_layer(
        repeated, samples_of(targets.repeat(counts, axis=0), x=x.repeat(counts, axis=0))
    )
    np.testing.assert_allclose(
        features(weighted, x)[1], features(repeated, x)[1], rtol=1e-7, atol=1e-9
    )


def test_where_features_say_enough_it_is_the_least_squares_solution():
    network = network_of(width=4, n_outputs=1)
    columns, present = features(network, X)
    wanted = columns @ (1.5 * present)
    refit_last_layer(network, samples_of(wanted))
    with torch.no_grad():
        found = network(torch.tensor(X)).numpy()
    assert np.abs(found - wanted).max() < 1e-3 * np.abs(wanted).max()


@pytest.mark.parametrize("size", [1.5, 10.0])
def test_weights_at_most_double(size):
    network = network_of(width=4, n_outputs=1)
    columns, present = features(network, X)
    refit_last_layer(network, samples_of(columns @ (size * present)))
    grown = np.linalg.norm(features(network, X)[1]) / np.linalg.norm(present)
    assert 1.4 < grown < 2.0001


@pytest.mark.parametrize("n", [40, 400])
def test_noise_is_hardly_fitted(n):
    """Least squares would fit what the units are of the samples, all of it with the 40."""
    left = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        network = network_of(width=40, n_outputs=1, seed=seed)
        x = rng.uniform(-1, 1, size=(n, 2))
        before = network(torch.tensor(x)).detach().numpy()
        noise = rng.normal(size=(n, 1))
        refit_last_layer(network, samples_of(before + noise, x=x))
        moved = network(torch.tensor(x)).detach().numpy() - before
        left.append(np.mean((noise - moved) ** 2) / np.mean(noise**2))
    assert np.mean(left) > 0.95


def encoder(trainer=None, *, atom="sinusoid", kind=MIREncoder, **options):
    options = {"hidden_width": 16, "max_epochs": 5, "random_state": 0, **options}
    return kind(search=FixedSequence(atom, 2), trainer=trainer, dtype="float64", **options)


@pytest.mark.parametrize("atom", REGISTRY)
def test_no_training_ends_worse_for_it(atom):
    polished, left = (
        encoder(Trainer(polish=polish), atom=atom).fit(X, Y).best_loss_ for polish in (True, False)
    )
    assert polished <= left


def test_a_training_that_has_not_ended_gains():
    polished, left = (
        encoder(Trainer(polish=polish)).fit(X, Y).best_loss_ for polish in (True, False)
    )
    assert polished < 0.5 * left


def finished(network, samples, held_out=None, **options):
    """Return the losses before and after, and what the last layer was moved by."""
    trainer, before = Trainer(**options), network.output.weight.detach().clone()
    kept = evaluation(network, samples, held_out, loss=trainer.loss)
    now = trainer.finish(network, samples, held_out, kept, seconds=None)
    return kept, now, network.output.weight.detach() - before


def test_what_does_not_help_the_samples_held_out_is_taken_back():
    samples = samples_of(Y[:, None])
    for held_out, helps in ((samples_of(Y[:, None]), True), (samples_of(-Y[:, None]), False)):
        kept, now, moved = finished(network_of(n_outputs=1), samples, held_out)
        assert bool(moved.abs().max() > 0) == helps == (now is not kept)
        assert now.loss("held_out") <= kept.loss("held_out")


@pytest.mark.parametrize("part", ["weight", "bias"])
def test_what_is_frozen_stays(part):
    network = network_of(n_outputs=1)
    getattr(network.output, part).requires_grad_(False)
    kept, now, moved = finished(network, samples_of(Y[:, None]))
    assert now is kept
    assert not moved.any()


@pytest.mark.parametrize(("seconds", "n"), [(None, 900), (60.0, 64 * 7), (0.0, 64 * 7)])
def test_under_a_time_limit_some_samples_settle_it_and_all_are_judged_by(monkeypatch, seconds, n):
    """Seven columns: six units and the constant."""
    x = np.random.default_rng(1).uniform(-1, 1, size=(900, 2))
    samples, network, seen = samples_of(x[:, :1], x=x), network_of(n_outputs=1), []

    def refit(field, some):
        seen.append(len(some))
        refit_last_layer(field, some)

    monkeypatch.setattr(_trainer, "refit_last_layer", refit)
    kept = evaluation(network, samples, None, loss="squared")
    now = Trainer().finish(network, samples, None, kept, seconds=seconds)
    assert seen == [n]
    assert now.loss("train") < kept.loss("train")
    assert now.loss("train") == evaluation(network, samples, None, loss="squared").loss("train")


class Doubled(LayerStack):
    """Its values are not those of its last layer."""

    def forward(self, coords):
        return 2 * super().forward(coords)


@pytest.mark.parametrize("kind", [Doubled, "mean", "wide"])
def test_networks_whose_last_layer_is_another_thing_are_left(kind):
    shape = {"in_features": 2, "out_features": 1, "hidden_width": 6, "dtype": torch.float64}
    shape["generator"] = torch.Generator().manual_seed(0)
    if kind == "mean":
        network = MeanField([network_of(n_outputs=1, seed=seed) for seed in range(2)])
    elif kind == "wide":
        network = network_of(n_outputs=1, width=2_048)
    else:
        network = kind([make_atom("sinusoid")], **shape)
    kept, now, moved = finished(network, samples_of(Y[:, None]))
    assert now is kept
    assert not moved.any()


def test_a_fit_is_not_lost_where_the_last_layer_cannot_be_solved_for(caplog):
    network, samples = network_of(n_outputs=1), samples_of(Y[:, None])
    with patch.object(torch.linalg, "eigh", side_effect=RuntimeError("no convergence")):
        kept, now, _ = finished(network, samples)
    assert now is kept
    assert "The last layer is left as trained: no convergence" in caplog.text


def test_it_is_that_of_the_fit_alone():
    """A search compares trainings."""
    with patch.object(_trainer, "refit_last_layer", wraps=refit_last_layer) as refit:
        fit = MIREncoder(
            ["sinusoid", "gaussian"], LayerSearch(2), hidden_width=16, max_epochs=5, random_state=0
        ).fit(X, Y)
    assert refit.call_count == 1
    assert len(fit.search_result_.trace) > 4
    assert fit.search_result_.path[-1].loss == fit.best_loss_


def test_each_network_of_a_mean_is_solved_for_alone_and_told_so():
    search = EnsembleSearch(FixedSequence("sinusoid", 2), 3)
    fit = MIREncoder(search=search, hidden_width=16, max_epochs=5, random_state=0).fit(X, Y)
    result, scale = fit.search_result_, fit.value_scaling_.half_range
    for i, (member, estimator) in enumerate(zip(result.members, fit.estimators_, strict=True)):
        loss = np.mean(((estimator.predict(X) - Y) / scale) ** 2)
        row = member.path[-1]
        assert row.training.kept.loss("train") == pytest.approx(loss, rel=1e-4)
        assert row.loss == result.trace[i].loss
        assert row.loss < 0.9 * row.training.last.loss("train")
    with patch.object(_trainer, "refit_last_layer", wraps=refit_last_layer) as refit:
        fit.set_params(warm_start=True).fit(X, Y)  # which trains them as one
    assert not refit.called


CASES = {
    "asked for not to be": (lambda: encoder(Trainer(polish=False)), Y, 0),
    "by default": (encoder, Y, 1),
    "with another loss": (lambda: encoder(Trainer(loss="huber")), Y, 0),
    "with weight decay": (
        lambda: encoder(Trainer("adamw", optimizer_options={"weight_decay": 0.1})), Y, 0),
    "with weight decay of its own": (lambda: encoder(Trainer(torch.optim.AdamW)), Y, 0),
    "without any": (lambda: encoder(Trainer(optimizer_options={"weight_decay": 0})), Y, 1),
    "labels": (lambda: encoder(kind=OccupancyEncoder), Y > 0, 1),
    "labels by chances": (
        lambda: encoder(kind=OccupancyEncoder, loss="logistic"), Y > 0, 0),
    "gradients": (lambda: encoder(measurement=GradientValues()), np.c_[Y, Y], 0),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_is_solved_for_where_values_are_linear_in_it(name):
    make, y, expected = CASES[name]
    with patch.object(_trainer, "refit_last_layer", wraps=refit_last_layer) as refit:
        make().fit(X, y)
    assert refit.call_count == expected


def test_a_stream_of_batches_is_not_solved_for_one_at_a_time():
    fit = encoder().fit(X, Y)
    with patch.object(_trainer, "refit_last_layer", wraps=refit_last_layer) as refit:
        fit.partial_fit(X[:50], Y[:50])
        assert not refit.called
        fit.set_params(warm_start=True).fit(X, Y)
        assert refit.called


def test_a_stream_of_batches_goes_on_at_a_tenth_of_the_step_size_before_the_cool_down():
    rates, step = [], torch.optim.Adam.step

    def recording(self, *args, **kwargs):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    fit = encoder(Trainer(learning_rate=1e-3, decay=0.5)).fit(X, Y)
    with patch.object(torch.optim.Adam, "step", recording):
        fit.partial_fit(X, Y)
    assert len(set(rates)) == 1
    whole = encoder(Trainer(learning_rate=1e-3, decay=0.5, cooldown=0.0))
    with patch.object(torch.optim.Adam, "step", recording):
        whole.fit(X, Y)
    assert 10 < rates[-1] / rates[0] < 12  # of the last step, just before the end
