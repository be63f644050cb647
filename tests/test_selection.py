"""Which samples decide: those held out, those trained on, or both."""

from dataclasses import replace

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
    Trainer,
)
from skmire.datasets import grid_samples
from skmire.measurements import LineIntegrals
from skmire.search._judge import judge_of
from skmire.testing._search_setting import problem
from skmire.training import Evaluation, Samples

TWO = ["gaussian", "sinusoid"]
GRID = grid_samples(np.zeros((9, 7)))[0]
RNG = np.random.default_rng(0)


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


# -- what fills an even grid -----------------------------------------------------------------------


def decided(places, held_out=None, bandwidth=None, **told):
    """Return which samples decide by themselves, of a problem with samples at these places."""
    kept, aside = (
        None if rows is None else Samples(torch.tensor(rows), torch.zeros(len(rows), 1))
        for rows in (places, held_out)
    )
    bandwidth = None if bandwidth is None else np.array(bandwidth)
    return judge_of(
        "auto", problem(samples=replace(kept, **told), held_out=aside, bandwidth=bandwidth)
    )


@pytest.mark.parametrize(
    "places",
    [
        GRID,
        GRID[RNG.permutation(len(GRID))],
        np.vstack([GRID, GRID[:20]]),  # some measured twice
        np.linspace(0, 1, 30)[:, None],
        np.linspace(0, 1, 30)[:, None] ** 1.1,  # steps that differ a little
        np.linspace(0, 1, 30)[:, None] + RNG.normal(scale=1e-12, size=(30, 1)),
        np.hstack([GRID, np.ones((len(GRID), 1))]),  # a coordinate that is constant
        grid_samples(np.zeros((4, 5, 6)))[0],
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_decide_where_places_fill_a_grid(places, dtype):
    assert decided(places.astype(dtype)) == "both"


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
        np.ones((8, 2)),  # a single place
    ],
)
def test_those_held_out_decide_where_there_are_gaps(places):
    assert decided(places) == "held_out"


def test_the_signal_is_to_change_alike_along_all_axes():
    assert decided(GRID, bandwidth=[1.0, 2.9]) == "both"
    assert decided(GRID, bandwidth=[1.0, 3.1]) == "held_out"
    assert decided(GRID * [1, 2], bandwidth=[1.0, 1.0]) == "both"
    assert decided(GRID * [1, 5], bandwidth=[1.0, 1.0]) == "held_out"
    assert decided(GRID * [1, 5], bandwidth=[1.0, 0.2]) == "both"
    assert decided(GRID, bandwidth=[1.0, 0.0]) == "held_out"


def test_samples_that_were_set_aside_belong_to_the_grid():
    aside = np.arange(len(GRID)) % 10 == 3
    assert decided(GRID[~aside], GRID[aside]) == "both"
    assert decided(GRID[~aside]) == "held_out"
    y = np.sin(GRID).sum(axis=1)
    assert judges(LayerSearch(1), GRID, y, trainer=Trainer(early_stopping=True)) == {"both"}


def test_those_held_out_decide_in_groups():
    surveys = np.vstack([GRID] * 10)  # of the same places again and again
    groups = torch.arange(len(surveys)) // 7
    assert decided(surveys, together=groups) == "held_out"
    assert judges(LayerSearch(1), GRID, GRID[:, 0], np.arange(len(GRID)) // 7) == {"held_out"}


def test_those_held_out_decide_where_lines_are_measured():
    angles, offsets = np.linspace(0, np.pi, 4, endpoint=False), np.linspace(-1, 1, 11)
    X = np.stack(np.meshgrid(angles, offsets), axis=-1).reshape(-1, 2)
    lines = {"measurement": LineIntegrals(n_nodes=4)}
    assert judges(LayerSearch(1), X, np.exp(-4 * X[:, 1] ** 2), **lines) == {"held_out"}


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
    y = np.sin(GRID).sum(axis=1)
    assert judges(search, GRID, y) == {"both"}
    assert judges(search, GRID[1:], y[1:]) == {"held_out"}


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
