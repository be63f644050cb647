"""Which samples decide: those held out, those trained on, or both."""

import numpy as np
import pytest
import torch

from skmire import (
    BayesSearch,
    BeamSearch,
    ExhaustiveSearch,
    HalvingSearch,
    LayerSearch,
    MIREncoder,
    ProjectionSearch,
)
from skmire.datasets import grid_samples
from skmire.training import Evaluation, Samples

TWO = ["gaussian", "sinusoid"]
GRID = grid_samples(np.zeros((9, 7)))[0]
RNG = np.random.default_rng(0)


def samples(places, together=None):
    rows = torch.tensor(np.asarray(places), dtype=torch.float32)
    together = None if together is None else torch.tensor(together)
    return Samples(rows, torch.zeros(len(rows), 1), together=together)


def judges(search, X, y, groups=None, **options):
    """Return which samples decided between the candidates, but for the fit."""
    options = {"hidden_width": 16, "max_epochs": 6, "random_state": 0, **options}
    fitted = MIREncoder(TWO, search, **options).fit(X, y, groups=groups)
    return {c.judge for c in fitted.search_result_.trace if c.stage != "fit"}


# -- the loss --------------------------------------------------------------------------------------


def test_a_loss_on_both_is_four_fifths_of_that_held_out_and_a_fifth_of_that_trained_on():
    state = Evaluation(np.array([1.0, 2.0]), np.array([11.0, 32.0]))
    np.testing.assert_allclose(state.losses("both"), [9.0, 26.0])
    assert state.loss("both") == pytest.approx(17.5)
    assert (state.loss("train"), state.loss("held_out")) == (1.5, 21.5)
    assert Evaluation(state.train).loss("both") == 1.5


# -- what fills a grid -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "places",
    [
        GRID,
        GRID[RNG.permutation(len(GRID))],
        np.vstack([GRID, GRID[:20]]),  # some measured twice
        GRID * [1e-4, 300] + [5, -1e3],
        np.linspace(0, 1, 30)[:, None],
        np.linspace(0, 1, 30)[:, None] ** 1.1,  # steps that differ a little
        np.hstack([GRID, np.ones((len(GRID), 1))]),  # a coordinate that is constant
        grid_samples(np.zeros((4, 5, 6)))[0],
    ],
)
def test_places_that_fill_a_grid(places):
    assert samples(places).fill_a_grid


@pytest.mark.parametrize(
    "places",
    [
        GRID[1:],  # a corner is missing
        np.delete(GRID, 30, axis=0),
        GRID[GRID[:, 0] != 4],  # a line is missing
        RNG.uniform(size=(63, 2)),
        RNG.uniform(size=(63, 1)),
        np.delete(np.linspace(0, 1, 30), 12)[:, None],
        np.geomspace(1, 1000, 20)[:, None],
    ],
)
def test_places_with_gaps_do_not(places):
    assert not samples(places).fill_a_grid


def test_groups_are_told_from_places():
    numbers = np.arange(len(GRID))
    assert not samples(GRID).are_grouped
    assert not samples(GRID, numbers).are_grouped
    assert samples(GRID, numbers // 9).are_grouped


# -- who decides -----------------------------------------------------------------------------------

SEARCHES = [
    LayerSearch(2),
    BeamSearch(2, 2),
    HalvingSearch(2, 4),
    BayesSearch(2, 4),
    ExhaustiveSearch(1),
    ProjectionSearch(2, 30, 2),
]


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: type(search).__name__)
def test_both_decide_on_a_grid_and_those_held_out_elsewhere(search):
    y = np.sin(GRID[:, 0]) + GRID[:, 1]
    assert judges(search, GRID, y) == {"both"}
    assert judges(search, GRID[1:], y[1:]) == {"held_out"}


def test_those_held_out_decide_where_they_are_in_groups():
    assert judges(LayerSearch(1), GRID, GRID[:, 0], np.arange(len(GRID)) // 7) == {"held_out"}


@pytest.mark.parametrize("selection", ["both", "held_out", "train"])
@pytest.mark.parametrize("places", [GRID, GRID[1:]], ids=["grid", "gap"])
def test_what_is_asked_for_is_done(selection, places):
    assert judges(LayerSearch(1, selection=selection), places, places[:, 0]) == {selection}


def test_the_growth_may_judge_by_both():
    grown = MIREncoder(
        TWO, LayerSearch(2, mode="growth", selection="both"), hidden_width=16, max_epochs=6,
        random_state=0,
    ).fit(GRID, GRID[:, 0])  # fmt: skip
    for candidate in grown.search_result_.trace:
        kept = candidate.training.kept
        assert candidate.loss == kept.loss("both")
        assert candidate.loss == pytest.approx(
            0.8 * kept.loss("held_out") + 0.2 * kept.loss("train")
        )


# -- what comes of it ------------------------------------------------------------------------------


def rough(n):
    """Return a field whose neighbours know little of each other."""
    waves = np.random.default_rng(3).normal(size=(n, n))
    smooth = np.fft.irfft2(np.fft.rfft2(waves) / (1 + np.hypot(*np.meshgrid(
        np.fft.rfftfreq(n, 1 / n), np.fft.fftfreq(n, 1 / n)))), s=(n, n))  # fmt: skip
    return smooth / smooth.std()


def test_a_rough_field_on_a_grid_is_met():
    X, y = grid_samples(rough(20))
    settings = {"hidden_width": 64, "max_epochs": 40, "random_state": 0}
    between = MIREncoder(TWO, LayerSearch(2, selection="held_out"), **settings).fit(X, y)
    default = MIREncoder(TWO, LayerSearch(2), **settings).fit(X, y)
    assert 1 - default.score(X, y) < 0.5 * (1 - between.score(X, y))


def test_noise_on_a_grid_is_not_memorised():
    X, _ = grid_samples(np.zeros((24, 24)))
    truth = np.sin(X[:, 0] / 4) * np.cos(X[:, 1] / 5)
    noise = 0.3 * np.random.default_rng(0).normal(size=len(X))
    settings = {"hidden_width": 64, "max_epochs": 40, "random_state": 0}
    fitted = MIREncoder(TWO, LayerSearch(2), **settings).fit(X, truth + noise)
    assert np.std(fitted.predict(X) - truth) < 0.5 * np.std(noise)
