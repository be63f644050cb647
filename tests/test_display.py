"""What the displays show is what the search and the fit did."""

import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt

from skmire import FixedSequence, LayerSearch, MIREncoder, Trainer
from skmire.datasets import grid_samples
from skmire.display import ReconstructionDisplay, SearchDisplay
from skmire.display._rounds import short_name
from skmire.metrics import psnr
from skmire.search import Candidate, HalvingSearch
from skmire.training import Evaluation, Training

matplotlib.use("Agg")
X = np.linspace(0, 2, 60)[:, None]
Y = np.column_stack([np.sin(9 * X[:, 0]), 3 * np.cos(7 * X[:, 0])])


@pytest.fixture(autouse=True)
def figures_closed():
    yield
    plt.close("all")


def fitted(search=None, atoms=("sinusoid", "gaussian", "gabor"), **options):
    return MIREncoder(
        list(atoms), search, hidden_width=16, max_epochs=12, random_state=0, **options
    ).fit(X, Y)


@pytest.fixture(scope="module")
def looked_ahead():
    return fitted()


@pytest.fixture(scope="module")
def represented():
    return fitted(LayerSearch(selection="train"))


@pytest.fixture(scope="module")
def grown():
    return fitted(LayerSearch(2, mode="growth"))


def candidate(
    stage, atom, loss, *, scales=(1.0, 1.0), factors=(1.0, 1.0), epochs=2, held_out=True,
    outcome="completed",
):  # fmt: skip
    state = Evaluation(np.array([loss / 2]), np.array([loss]) if held_out else None)
    judged = np.nan if outcome.startswith("diverged") else state.loss("held_out")
    training = Training(state, state, np.full((epochs, 1), loss), None, 0.1, outcome)
    return Candidate(
        2, atom, 0, epochs, training, judged, chosen=stage == "fit", stage=stage, scales=scales,
        n_samples=60, hidden_width=16, factors=factors,
    )  # fmt: skip


def drawn(*trace):
    return SearchDisplay(
        trace=trace,
        curves=[c.training.curve.mean(axis=1) for c in trace],
        judged=[c.training.kept.loss("held_out") for c in trace],
        fitted=[c.training.kept.loss("train") for c in trace],
        quality="loss",
    ).plot()


def points(ax):
    """Return where the marks of candidates are: lines of the picture, and their values."""
    marks = [line for line in ax.lines if line.get_marker() in ("o", "D")]
    return sorted((float(y), float(x)) for m in marks for x, y in zip(*m.get_data(), strict=True))


def told(ax):
    return [text.get_text() for text in ax.texts]


def labels(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


def test_every_candidate_of_a_look_ahead_has_a_line_with_its_name(looked_ahead):
    trace = looked_ahead.search_result_.trace
    ax = SearchDisplay.from_estimator(looked_ahead).ax_
    assert sorted(labels(ax)) == sorted(short_name(c) for c in trace)
    assert [y for y, _ in points(ax)] == list(range(len(trace) - 1))  # the fit is told in words


def test_the_marks_are_what_was_compared_best_on_top_round_by_round(looked_ahead):
    trace = looked_ahead.search_result_.trace
    ax = SearchDisplay.from_estimator(looked_ahead).ax_
    rounds = [list(g) for _, g in itertools.groupby(trace[:-1], key=lambda c: c.stage)]
    wanted = [loss for group in rounds for loss in sorted(c.loss for c in group)]
    np.testing.assert_allclose([x for _, x in points(ax)], wanted)
    assert ax.xaxis_inverted()


@pytest.mark.parametrize(("spread", "scale"), [(3.0, "linear"), (30.0, "log")])
def test_losses_of_a_wide_range_have_a_logarithmic_axis(looked_ahead, spread, scale):
    display = SearchDisplay.from_estimator(looked_ahead)
    display.judged = np.geomspace(1, spread, len(display.judged)).tolist()
    assert display.plot().ax_.get_xscale() == scale


def test_decibels_are_in_the_units_of_the_values(looked_ahead):
    ax = SearchDisplay.from_estimator(looked_ahead, data_range=2.0).ax_
    assert ax.get_xlabel() == "PSNR on samples held out (4/5) and trained on (1/5), in dB"
    assert not ax.xaxis_inverted()
    (fit,) = [text for text in told(ax) if "dB" in text]
    quality = psnr(Y, looked_ahead.predict(X), data_range=2.0)
    assert fit == f"{quality:.1f} dB on the samples trained on"


def test_rounds_are_named_from_first_to_last_with_what_was_spent(looked_ahead):
    ax = SearchDisplay.from_estimator(looked_ahead).ax_
    names = [text.replace("\n", ": ") for text in told(ax) if "epochs" in text]
    assert [name.partition(":")[0] for name in names] == [
        "layer 1", "scales", "rates", "layer 2", "layer 3", "finalists", "fit",
    ]  # fmt: skip
    assert names[0] == "layer 1: 2 epochs of 48 samples"
    assert names[-1] == "fit: 12 epochs of 60 samples"


def test_what_was_selected_on_the_samples_trained_on_says_so(represented):
    ax = SearchDisplay.from_estimator(represented).ax_
    assert ax.get_xlabel().startswith("loss on the samples trained on")
    assert len(points(ax)) == len(represented.search_result_.trace)


def test_training_samples_are_told_from_those_that_only_stop_early():
    encoder = fitted(LayerSearch(2, selection="train"), trainer=Trainer(early_stopping=True))
    display = SearchDisplay.from_estimator(encoder)
    assert display.ax_.get_xlabel().startswith("loss on the samples trained on")
    np.testing.assert_allclose(display.judged, [c.loss for c in encoder.search_result_.trace])


def test_the_path_goes_to_a_new_leader_and_stays_with_an_old_one():
    ax = drawn(
        candidate("layer 1", "sinc-sinc", 0.3),
        candidate("layer 1", "gabor-gabor", 0.2),
        candidate("layer 2", "gabor-sinc", 0.25),
        candidate("layer 2", "gabor-finer", 0.4),
        candidate("finalists", "gabor-sinc", 0.05, epochs=9),
        candidate("finalists", "gabor-gabor", 0.06, epochs=9),
        candidate("fewer epochs", "gabor-sinc", 0.07, epochs=4),
        candidate("fit", "gabor-sinc", 0.01, epochs=9, held_out=False),
    ).ax_
    (path,) = [line for line in ax.lines if line.get_marker() in (None, "None", "")]
    np.testing.assert_allclose(path.get_xdata(), [0.2, 0.2, 0.2, 0.2, 0.05, 0.05, 0.05, 0.05])
    assert (np.diff(path.get_ydata()) >= 0).all()
    bold = [t.get_text() for t in ax.get_yticklabels() if t.get_fontweight() == "bold"]
    assert bold == ["gabor²", "gabor-sinc", "gabor-sinc"]


def test_who_is_trained_further_is_marked_in_the_round_before():
    ax = drawn(
        candidate("layer 1", "sinc-sinc", 0.3),
        candidate("layer 1", "gabor-gabor", 0.2),
        candidate("scales", "sinc-sinc", 0.31, scales=(2.0, 1.0), factors=(2.0, 1.0)),
        candidate("finalists", "gabor-gabor", 0.05, epochs=9, scales=(3.0, 1.0)),  # the whole box's
        candidate("finalists", "sinc-sinc", 0.06, epochs=9, scales=(3.0, 1.0)),
        candidate("even axes", "gabor-gabor", 0.07, epochs=9, scales=(2.5, 1.0)),
        candidate("fit", "gabor-gabor", 0.04, epochs=10, scales=(3.0, 1.0)),
    ).ax_
    diamonds = [float(m.get_xdata()[0]) for m in ax.lines if m.get_marker() == "D"]
    assert diamonds == [0.3]  # neither the leader, which has a mark of its own, nor another scale


def test_a_candidate_that_diverged_has_a_line_and_no_mark():
    ax = drawn(
        candidate("layer 1", "sinc-sinc", 0.3),
        candidate("layer 1", "relu-relu", 0.2, outcome="diverged: no finite loss"),
        candidate("finalists", "sinc-sinc", 0.1, epochs=9),
    ).ax_
    assert labels(ax) == ["sinc²", "relu²", "sinc²"]
    assert "diverged" in told(ax)
    assert [y for y, _ in points(ax)] == [0, 2]


def test_a_large_round_shares_its_last_line():
    losses = np.linspace(0.1, 0.9, 200)
    many = [candidate("all", f"a{i}-b", loss) for i, loss in enumerate(losses)]
    lost = candidate("all", "relu-b", 1.0, outcome="diverged: no finite loss")
    ax = drawn(*many, lost, candidate("finalists", "a0-b", 0.05, epochs=9)).ax_
    assert labels(ax)[15:] == ["186 more, 1 diverged", "a0-b"]
    assert sum(y == 15 for y, _ in points(ax)) == 185


@pytest.mark.parametrize(
    ("atom", "factors", "name"),
    [
        ("sinc-sinc", (1.0, 1.0), "sinc²"),
        ("sinc-gabor", (2.0, 1.0), "sinc-gabor × 2"),
        ("sinc-gabor-gabor-sinc", (0.25, 1.5), "sinc-gabor²-sinc × 0.25, 1.5"),
        ("gabor-sinc", (1.0, 2 / 3), "gabor-sinc × 1, 0.667"),
        ("-".join(["sinc"] * 12), (), "sinc¹²"),
    ],
)
def test_short_names(atom, factors, name):
    assert short_name(candidate("scales", atom, 0.3, factors=factors)) == name


def test_no_two_candidates_of_a_cheap_round_look_alike(looked_ahead):
    for stage in ("layer 1", "scales", "layer 2"):
        names = [short_name(c) for c in looked_ahead.search_result_.trace if c.stage == stage]
        assert len(set(names)) == len(names)


def overlapping(figure, texts):
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in texts if text.get_text()]
    return [(a, b) for a, b in itertools.combinations(boxes, 2) if a.overlaps(b)]


@pytest.mark.parametrize("axes", ["own", "given"])
def test_no_two_texts_overlap(looked_ahead, axes):
    ax = None if axes == "own" else plt.subplots(figsize=(8, 5), layout="constrained")[1]
    display = SearchDisplay.from_estimator(looked_ahead, data_range=2.0, ax=ax)
    display.figure_.canvas.draw()
    of_axis = [*display.ax_.get_yticklabels(), *display.ax_.texts]
    assert overlapping(display.figure_, of_axis) == []
    assert overlapping(display.figure_, display.ax_.get_xticklabels()) == []


def test_other_searches_in_rounds_are_drawn_alike():
    encoder = fitted(HalvingSearch(2, n_sequences=6))
    ax = SearchDisplay.from_estimator(encoder).ax_
    assert ax.get_xlabel().startswith("loss on samples held out (4/5)")
    names = [text.partition("\n")[0] for text in told(ax) if "epochs" in text]
    assert names[0] == "rung 1"


def test_a_growth_keeps_its_curves_along_the_path(grown):
    ax = SearchDisplay.from_estimator(grown).ax_
    result = grown.search_result_
    assert ax.get_xlabel() == "effective epochs"
    assert ax.get_ylabel() == "training loss"
    ends = [line.get_xdata()[-1] for line in ax.lines if len(line.get_xdata()) > 2]
    assert ends == [c.effective_epochs for c in result.trace]
    assert told(ax) == [f"layer {c.layer}: {c.atom}" for c in result.path]
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["sinusoid", "gaussian", "gabor"]


@pytest.mark.parametrize(
    "search", [FixedSequence("gaussian", 2), LayerSearch(1, mode="growth")], ids=["fixed", "growth"]
)
def test_what_has_no_rounds_is_drawn_as_curves(search):
    ax = SearchDisplay.from_estimator(fitted(search), data_range=2.0).ax_
    assert ax.get_ylabel() == "training PSNR (dB)"


def test_a_search_that_went_on_training_can_be_drawn(looked_ahead):
    encoder = fitted(atoms=("sinusoid", "gaussian"), warm_start=True).fit(X, Y)
    ax = SearchDisplay.from_estimator(encoder).ax_
    assert labels(ax)[-1] == "the fit"
    assert any(text.startswith("further training: 12 epochs") for text in told(ax))


def test_losses_of_nothing_are_drawn():
    encoder = MIREncoder(["sinusoid"], hidden_width=16, max_epochs=6, random_state=0)
    encoder.fit(X, np.ones(len(X)))
    SearchDisplay.from_estimator(encoder, data_range=1.0).figure_.canvas.draw()
    SearchDisplay.from_estimator(encoder).figure_.canvas.draw()


def test_a_reconstruction_shows_truth_fit_error_and_slope():
    image = np.linspace(0, 1, 144).reshape(12, 12)
    encoder = MIREncoder(
        search=FixedSequence("gaussian", 2), hidden_width=16, max_epochs=9, random_state=0
    ).fit(*grid_samples(image))
    display = ReconstructionDisplay.from_estimator(encoder, image)
    truth, fit, error, slope = [ax.images[0].get_array() for ax in display.axes_]
    predicted = encoder.predict(grid_samples(image)[0]).reshape(12, 12)
    np.testing.assert_array_equal(truth, image)
    np.testing.assert_allclose(fit, np.clip(predicted, 0, 1))
    np.testing.assert_allclose(error, np.clip(10 * np.abs(predicted - image), 0, 1))
    slopes = np.linalg.norm(encoder.gradient(grid_samples(image)[0]), axis=1).reshape(12, 12)
    np.testing.assert_allclose(slope, slopes / slopes.max())
    assert display.axes_[1].get_title() == f"fit, {psnr(image, predicted, data_range=1.0):.1f} dB"


def test_a_reconstruction_has_limits_of_its_own_and_leaves_what_is_not_known_blank():
    image = np.ma.masked_array(np.linspace(0, 255, 144).reshape(12, 12), mask=False)
    image[3, 4] = np.ma.masked
    values = image.filled(-9999.0)
    encoder = MIREncoder(search=FixedSequence("gaussian", 2), hidden_width=16, max_epochs=9)
    encoder.set_params(random_state=0).fit(*grid_samples(np.where(values < 0, 100, values)))
    with pytest.raises(ValueError, match=r"limits, black 0 and white 1, .* limits=\(0, 255\)"):
        ReconstructionDisplay.from_estimator(encoder, image)
    display = ReconstructionDisplay.from_estimator(encoder, image, limits=(0, 255))
    truth, fit, error, _ = [ax.images[0].get_array() for ax in display.axes_]
    known = ~image.mask
    predicted = encoder.predict(grid_samples(values)[0]).reshape(12, 12)
    np.testing.assert_array_equal(np.ma.getmaskarray(truth), image.mask)
    np.testing.assert_array_equal(np.ma.getmaskarray(error), image.mask)
    np.testing.assert_allclose(truth[known], values[known] / 255)
    np.testing.assert_allclose(fit, np.clip(predicted / 255, 0, 1))
    quality = psnr(values[known], predicted[known], data_range=255)
    assert display.axes_[1].get_title() == f"fit, {quality:.1f} dB"


def test_an_image_of_other_channels_than_the_fit_is_refused():
    image = np.zeros((6, 6, 3)) + np.linspace(0, 1, 6)[:, None, None]
    encoder = MIREncoder(["gaussian"], hidden_width=4, max_epochs=1, random_state=0)
    encoder.fit(*grid_samples(image))
    with pytest.raises(ValueError, match=r"3 output\(s\) a pixel, .*\(6, 6\) has 1"):
        ReconstructionDisplay.from_estimator(encoder, image[..., 0])
