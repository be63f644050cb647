"""The command line and what it prints."""

import joblib
import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone

from skmire import LayerSearch, MIREncoder, Trainer, _demo
from skmire._demo import Score, found, score_table, search_table, single_atoms, verdict, write
from skmire.atoms import Gaussian
from skmire.cli import main
from skmire.datasets import grid_samples, load_image
from skmire.metrics import psnr
from skmire.search import _copies

RAMP = np.linspace(0, 255, 14 * 16 * 3).reshape(14, 16, 3).astype(np.uint8)
SEQUENCE = Score("sinc-gabor", 24.0, 30.0, 100, 3.0)
BETTER, WORSE = Score("gabor²", 25.5, 29.0, 100, 1.0), Score("sinc²", 22.0, 38.0, 100, 1.0)


def small(**options):
    atoms = ["sinusoid", "gaussian", "sinc"]
    return MIREncoder(atoms, LayerSearch(2), hidden_width=16, max_epochs=6, **options)


@pytest.fixture(scope="module")
def png(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "ramp.png"
    Image.fromarray(RAMP).save(path)
    return path


@pytest.fixture(scope="module")
def image(png):
    return load_image(png)


@pytest.fixture(scope="module")
def encoder(image):
    return small(random_state=0).fit(*grid_samples(image, n_dims=2))


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"]])
def test_help_exits_well(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 0
    assert "usage: skmire" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["paint"], ["demo", "--max-side", "big"]])
def test_other_arguments_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_the_demo_runs_from_end_to_end(png, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(_demo, "MIREncoder", small)
    folder = tmp_path / "made" / "if missing"
    status = main(
        ["demo", "--image", str(png), "--max-side", "14", "--output", str(folder), "--seed", "3"]
    )
    out = capsys.readouterr().out
    assert status == 0
    assert "(12, 14, 3)" in out
    assert all(f"\n{atom}²" in out for atom in ("sinusoid", "gaussian", "sinc"))
    assert sorted(path.name for path in folder.iterdir()) == ["fit.png", "model.joblib"]
    model = joblib.load(folder / "model.joblib")
    assert model.random_state == 3
    assert model.predict([[0.0, 0.0]]).shape == (1, 3)


@pytest.mark.parametrize("kind", ["missing", "text", "folder"])
def test_an_image_that_cannot_be_read_is_a_message_and_status_one(kind, tmp_path, capsys):
    path = tmp_path if kind == "folder" else tmp_path / "image.png"
    if kind == "text":
        path.write_text("no image")
    assert main(["demo", "--image", str(path), "--output", str(tmp_path / "out")]) == 1
    told = capsys.readouterr()
    assert told.err.startswith("skmire: ")
    assert str(path) in told.err
    assert not (tmp_path / "out").exists()


def test_a_size_of_nothing_is_refused(png, capsys):
    assert main(["demo", "--image", str(png), "--max-side", "0"]) == 1
    assert "max_side must be at least 1" in capsys.readouterr().err


def test_the_search_table_has_a_line_a_candidate_with_both_qualities(encoder, image):
    head, *lines = search_table(encoder)
    assert head.split() == [
        "round",
        "sequence",
        "epochs",
        "held",
        "out",
        "trained",
        "on",
        "seconds",
    ]
    trace = encoder.search_result_.trace
    assert [line[: line.index("  ")] for line in lines] == [c.stage for c in trace]
    assert [int(line[line.index("  ") :].split()[-4]) for line in lines] == [
        c.epochs for c in trace
    ]
    squares = encoder.value_scaling_.half_range**2
    held_out = [(c.training.kept.held_out * squares).mean() for c in trace[:-1]]
    told = [float(line.split()[-3]) for line in lines[:-1]]
    np.testing.assert_allclose(told, -10 * np.log10(held_out), atol=0.006)


def test_the_last_line_of_the_search_table_is_the_fit(encoder, image):
    *_, last = search_table(encoder)
    _, values = grid_samples(image, n_dims=2)
    none, fitted, _ = last.split()[-3:]
    assert found(encoder).name in last
    assert none == "-"  # as no pixel was held out from it
    fit = encoder.predict(grid_samples(image, n_dims=2)[0])
    assert float(fitted) == pytest.approx(psnr(values, fit, data_range=1.0), abs=0.006)


def test_what_was_found_is_known_again_though_it_was_judged_in_a_window(monkeypatch):
    monkeypatch.setattr(_copies, "_WINDOW", 300)
    monkeypatch.setattr(_copies, "_LEAST_SAMPLES", 16)
    x = np.random.default_rng(0).uniform(-1, 1, (900, 2))
    encoder = MIREncoder(["sinc", "sinusoid"], hidden_width=16, max_epochs=2, random_state=0)
    encoder.fit(x, np.sin(20 * x).sum(axis=1))
    trace = encoder.search_result_.trace
    assert trace[0].n_samples < 500
    assert trace[-1].scales != trace[0].scales
    assert found(encoder).epochs == 2


def test_what_was_found_is_told_as_a_finalist(encoder):
    fit = encoder.search_result_.path[-1]
    finals = [c for c in encoder.search_result_.trace if c.stage == "finalists"]
    squares = encoder.value_scaling_.half_range**2
    best = min(finals, key=lambda c: c.loss)
    assert (best.atom, best.factors) == (fit.atom, fit.factors)
    quality = -10 * np.log10((best.training.kept.held_out * squares).mean())
    assert found(encoder).held_out == pytest.approx(quality)
    assert found(encoder).epochs == 6


def test_every_single_atom_is_compared_once_with_the_same_epochs(encoder, image):
    scores = single_atoms(encoder, image)
    assert sorted(s.name for s in scores) == ["gaussian²", "sinc²", "sinusoid²"]
    assert {s.epochs for s in scores} == {encoder.n_iter_}


def test_single_atoms_do_as_they_would_as_finalists(image):
    # Without scales to try, the best of them is one, and so not trained again.
    samples = grid_samples(image, n_dims=2)
    encoder = small(random_state=0).set_params(dictionary=[Gaussian(scale=3.0), "relu"])
    encoder.fit(*samples)
    given = {"search": _demo.SingleAtoms(2), "trainer": Trainer(polish=False)}
    again = clone(encoder).set_params(**given).fit(*samples)
    scores = {s.name: s for s in (_demo.score(c, again) for c in again.search_result_.trace)}
    assert sorted(scores) == ["gaussian(scale=3.0)²", "relu²"]
    for s in single_atoms(encoder, image):
        assert scores[s.name].held_out == pytest.approx(s.held_out, abs=1e-4)
        assert scores[s.name].fitted == pytest.approx(s.fitted, abs=1e-4)


def test_the_score_table_has_what_was_found_and_then_the_best_on_pixels_held_out():
    head, *lines = score_table([SEQUENCE, WORSE, BETTER])
    assert head.split() == ["network", "held", "out", "trained", "on", "seconds"]
    assert [line.split()[0] for line in lines] == ["sinc-gabor", "gabor²", "sinc²"]
    assert lines[0].endswith("found")
    assert lines[1].split()[1:3] == ["25.50", "29.00"]


def test_the_verdict_is_honest_both_ways():
    assert verdict([SEQUENCE, WORSE]) == (
        "On the pixels held out, sinc-gabor, which the search found, leads the best of the others, "
        "sinc², by 2.00 dB."
    )
    lost = verdict([SEQUENCE, WORSE, BETTER])
    assert lost.startswith("Another wins here: on the pixels held out, gabor² is 1.50 dB better")
    assert "sinc-gabor" in lost


def test_model_and_picture_are_written_whole(encoder, image, tmp_path):
    paths = list(write(encoder, image, tmp_path / "out"))
    assert [path.name for path in paths] == ["model.joblib", "fit.png"]
    assert sorted((tmp_path / "out").iterdir()) == sorted(paths)
    coords, _ = grid_samples(image, n_dims=2)
    np.testing.assert_array_equal(joblib.load(paths[0]).predict(coords), encoder.predict(coords))
    with Image.open(paths[1]) as picture:
        assert min(picture.size) > 500
