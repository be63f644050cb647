"""Samples that are held out group by group."""

import numpy as np
import pytest
import torch
from sklearn import config_context
from sklearn.model_selection import GroupKFold, cross_validate

from skmire import FixedSequence, LayerSearch, MIREncoder, OccupancyEncoder, Trainer
from skmire.measurements import LineIntegrals
from skmire.search import BaseLayerSearch
from skmire.training import Samples

RNG = np.random.default_rng(0)
N_TRACKS, N_ALONG = 14, 30
TRACKS = np.repeat(np.arange(N_TRACKS), N_ALONG)
X = np.column_stack([
    np.repeat(np.sort(RNG.uniform(-1, 1, N_TRACKS)), N_ALONG),
    np.tile(np.linspace(-1, 1, N_ALONG), N_TRACKS),
])  # fmt: skip
Y = np.sin(5 * X[:, 0] + 2 * X[:, 1]) + 0.5 * np.cos(9 * X[:, 1]) * X[:, 0]


def encoder(search=None, trainer=None, **options):
    plain = {"hidden_width": 16, "max_epochs": 6, "random_state": 0}
    return MIREncoder(["sinusoid", "gaussian"], search, trainer, **plain | options)


def tracks_of(samples):
    """Return the tracks that scaled samples lie on, told by their first coordinate."""
    return set(np.round(samples.inputs[:, 0].tolist(), 5))


class Watching(BaseLayerSearch):
    """A fixed sequence that keeps what it was asked."""

    depth = 1

    def search(self, problem, trainer):
        Watching.asked = problem
        return FixedSequence("gaussian", 1).search(problem, trainer)


def test_a_part_has_whole_groups():
    samples = Samples(
        torch.arange(60.0)[:, None], torch.zeros(60, 1), together=torch.arange(60) // 6
    )
    kept, held_out = samples.split(0.2, torch.Generator().manual_seed(0))
    assert len(held_out) == 12
    assert not set(kept.together.tolist()) & set(held_out.together.tolist())
    again, others = kept.split(0.25, torch.Generator().manual_seed(0))
    assert len(others) == 12
    assert not set(again.together.tolist()) & set(others.together.tolist())


def test_few_groups_are_not_held_out_whole():
    samples = Samples(
        torch.arange(60.0)[:, None], torch.zeros(60, 1), together=torch.arange(60) // 20
    )
    _, held_out = samples.split(0.1, torch.Generator().manual_seed(0))
    assert len(held_out) == 6


def test_a_search_judges_by_whole_groups(judged):
    encoder(LayerSearch(1)).fit(X, Y, groups=TRACKS)
    (problem,) = judged
    assert len(tracks_of(problem.held_out)) == 3
    assert not tracks_of(problem.samples) & tracks_of(problem.held_out)


def test_without_groups_it_does_not(judged):
    encoder(LayerSearch(1)).fit(X, Y)
    assert tracks_of(judged[0].samples) & tracks_of(judged[0].held_out)


def test_training_stops_by_whole_groups():
    stopping = Trainer(early_stopping=True, validation_fraction=0.2)
    encoder(Watching(), stopping).fit(X, Y, groups=TRACKS)
    problem = Watching.asked
    assert len(tracks_of(problem.held_out)) == 3
    assert not tracks_of(problem.samples) & tracks_of(problem.held_out)


def test_it_matters_what_is_together_and_not_what_it_is_called():
    one = encoder().fit(X, Y, groups=TRACKS).predict(X)
    called = [f"track {track:02}" for track in TRACKS]
    np.testing.assert_array_equal(encoder().fit(X, Y, groups=called).predict(X), one)
    assert not np.array_equal(encoder().fit(X, Y).predict(X), one)


def test_samples_of_weight_zero_are_as_if_absent():
    weights = (RNG.random(len(X)) < 0.8).astype(float)
    there = weights > 0
    one = encoder().fit(X, Y, weights, groups=TRACKS)
    other = encoder().fit(X[there], Y[there], groups=TRACKS[there])
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


def test_groups_count_where_a_fit_goes_on(monkeypatch):
    stopping = Trainer(early_stopping=True, validation_fraction=0.2)
    fit = encoder(FixedSequence("gaussian", 1), stopping, warm_start=True).fit(X, Y, groups=TRACKS)
    seen, train = [], Trainer.train

    def watched(self, field, samples, held_out, **how):
        seen.append((samples, held_out))
        return train(self, field, samples, held_out, **how)

    monkeypatch.setattr(Trainer, "train", watched)
    fit.fit(X, Y, groups=TRACKS)
    ((kept, held_out),) = seen
    assert not tracks_of(kept) & tracks_of(held_out)


@pytest.mark.parametrize(("n_groups", "lines"), [(None, 2), (3, 2), (10, 12)])
def test_what_a_measurement_holds_out_together_counts_if_too_few_groups_are_said(n_groups, lines):
    angles, offsets = np.repeat(np.arange(10) * 0.3, 6), np.tile(np.linspace(-1, 1, 6), 10)
    rows = np.column_stack([angles, offsets])
    groups = None if n_groups is None else np.arange(60) % n_groups
    fit = MIREncoder(
        search=Watching(), trainer=Trainer(early_stopping=True, validation_fraction=0.2),
        measurement=LineIntegrals(), hidden_width=8, max_epochs=1, random_state=0,
    )  # fmt: skip
    fit.fit(rows, np.cos(angles) * offsets, groups=groups)
    held_out = Watching.asked.held_out.inputs[:, 0].tolist()
    assert len(held_out) == 12
    assert (len(set(held_out)) == 2) == (lines == 2)


def test_shapes_take_groups(judged):
    fit = OccupancyEncoder(["gaussian"], LayerSearch(1), hidden_width=16, max_epochs=2)
    fit.fit(X, Y > 0, groups=TRACKS)
    assert not tracks_of(judged[0].samples) & tracks_of(judged[0].held_out)


def test_scikit_learn_routes_groups_to_the_fit(judged):
    with config_context(enable_metadata_routing=True):
        routed = encoder(LayerSearch(1)).set_fit_request(groups=True)
        found = cross_validate(routed, X, Y, cv=GroupKFold(2), params={"groups": TRACKS})
    assert np.isfinite(found["test_score"]).all()
    assert len(judged) == 2
    for problem in judged:
        assert not tracks_of(problem.samples) & tracks_of(problem.held_out)


def test_a_checkpoint_of_other_groups_is_refused(tmp_path):
    kept = encoder(LayerSearch(1), checkpoint=tmp_path / "kept")
    one = kept.fit(X, Y, groups=TRACKS).predict(X)
    np.testing.assert_array_equal(kept.fit(X, Y, groups=TRACKS).predict(X), one)
    with pytest.raises(ValueError, match="is of another fit: groups"):
        kept.fit(X, Y)
