"""The command line and what it prints."""

import joblib
import numpy as np
import pytest
from PIL import Image

from skmire import LayerSearch, MIREncoder, _demo
from skmire._demo import Score, score_table, search_table, single_atoms, verdict, write
from skmire.cli import main
from skmire.datasets import grid_samples, load_image
from skmire.metrics import psnr, ssim

RAMP = np.linspace(0, 255, 14 * 16 * 3).reshape(14, 16, 3).astype(np.uint8)
SEQUENCE = Score("sinc-gabor", 30.0, 0.9, 100, 3.0)
BETTER, WORSE = Score("gabor × 2", 31.5, 0.95, 100, 1.0), Score("sinc × 2", 28.0, 0.8, 100, 1.0)


def small(**options):
    search = LayerSearch(2, mode="growth")  # whose table is short
    return MIREncoder(["sinusoid", "gaussian"], search, hidden_width=16, max_epochs=4, **options)


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
    assert "sinusoid × 2" in out
    assert "gaussian × 2" in out
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


def test_the_search_table_has_a_line_a_candidate(encoder):
    head, *lines = search_table(encoder, data_range=1.0)
    assert head.split() == ["round", "atoms", "scales", "PSNR", "(dB)", "seconds", "chosen"]
    assert [line.split()[:3] for line in lines] == [
        ["layer", str(layer), atom] for layer in (1, 2) for atom in ("sinusoid", "gaussian")
    ]
    assert [line.split()[2] for line in lines if line.endswith("*")] == encoder.activations_


def test_the_search_tables_quality_is_the_psnr_of_the_fit(encoder, image):
    chosen = [line for line in search_table(encoder, data_range=1.0) if line.endswith("*")]
    coords, values = grid_samples(image, n_dims=2)
    told = [float(line.split()[-3]) for line in chosen]
    stages = [psnr(values, fit, data_range=1.0) for fit in encoder.staged_predict(coords)]
    np.testing.assert_allclose(told, stages, atol=0.006)


def test_a_score_is_psnr_and_ssim_of_the_fit(encoder, image):
    coords, _ = grid_samples(image, n_dims=2)
    fit = encoder.predict(coords).reshape(image.shape)
    scored = _demo.score("it", encoder, image, 1.5)
    assert scored == Score("it", psnr(image, fit, data_range=1.0), ssim(image, fit), 4, 1.5)


def test_single_atoms_get_the_epochs_and_layers_of_the_sequence(encoder, image):
    scores = single_atoms(encoder, image)
    assert [s.name for s in scores] == ["sinusoid × 2", "gaussian × 2"]
    assert {s.epochs for s in scores} == {encoder.n_iter_}


def test_the_score_table_is_sorted_best_first():
    _, *lines = score_table([SEQUENCE, WORSE, BETTER])
    assert [line.split()[0] for line in lines] == ["gabor", "sinc-gabor", "sinc"]
    assert "31.50" in lines[0]
    assert "0.9500" in lines[0]


def test_the_verdict_is_honest_both_ways():
    assert verdict([SEQUENCE, WORSE]) == (
        "The matched sequence sinc-gabor leads the best single atom by 2.00 dB."
    )
    lost = verdict([SEQUENCE, WORSE, BETTER])
    assert lost.startswith("A single atom is closer on the pixels themselves: gabor × 2 is 1.50 dB")
    assert "sinc-gabor" in lost


def test_model_and_picture_are_written_whole(encoder, image, tmp_path):
    paths = list(write(encoder, image, tmp_path / "out"))
    assert [path.name for path in paths] == ["model.joblib", "fit.png"]
    assert sorted((tmp_path / "out").iterdir()) == sorted(paths)
    coords, _ = grid_samples(image, n_dims=2)
    np.testing.assert_array_equal(joblib.load(paths[0]).predict(coords), encoder.predict(coords))
    with Image.open(paths[1]) as picture:
        assert min(picture.size) > 500
