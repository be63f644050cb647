"""What the harness of the paper's experiments promises, and the page made of its files."""

import argparse
import csv
import importlib
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skmire import MIREncoder, Trainer
from skmire.atoms import ActivationDictionary
from skmire.search import single_thread
from skmire.training import _run

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks" / "paper").is_dir():
    pytest.skip("the benchmarks do not come with the package", allow_module_level=True)
for _folder in ("benchmarks", "benchmarks/paper", "docs"):
    if str(ROOT / _folder) not in sys.path:
        sys.path.append(str(ROOT / _folder))
drawings, entrants, images, records, results, runner, paper_results = map(
    importlib.import_module,
    ("drawings", "entrants", "images", "records", "results", "runner", "paper_results"),
)

RNG = np.random.default_rng(0)
IMAGE = RNG.uniform(size=(11, 12, 3))
TWO_ATOMS = ActivationDictionary(["sinusoid", "gaussian"])
OWN = entrants.own(dictionary=TWO_ATOMS)
GROWTH = entrants.own("growth", search={"mode": "growth"}, dictionary=TWO_ATOMS)
ALONE = entrants.own("alone", search={"mode": "growth"}, dictionary=ActivationDictionary(["sinc"]))
EXPERIMENT = runner.Experiment(
    "noise", "Noise", (GROWTH, entrants.peer("siren"), entrants.peer("siren", "authors"))
)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Images that need no files, and one thread."""
    monkeypatch.setattr(runner, "load", lambda name, scale: IMAGE)
    with single_thread():
        yield


def options(out, *arguments):
    given = ["--scale", "tiny", "--evaluations", "1.1e4", "--width", "8", "--layers", "2"]
    return runner.parsed([*given, "--out", str(out), *arguments], "Noise", "noise.py", "seconds")


def figures(path):
    """Return the rows of a file without what differs from run to run."""
    return [
        {k: v for k, v in r.items() if k not in ("seconds", "date", "load")}
        for r in records.read(path)
    ]


def run(out, experiment=EXPERIMENT, *arguments):
    out.mkdir(exist_ok=True)
    runner.run(experiment, options(out, *arguments), out / f"{experiment.name}.csv")
    return out / f"{experiment.name}.csv"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_run_that_was_killed_goes_on_to_the_same_file(tmp_path, monkeypatch):
    whole = run(tmp_path / "whole", EXPERIMENT, "--seeds", "0", "1")
    assert len(figures(whole)) == 6
    measure, n = runner.measure, iter(range(100))

    def until_killed(*arguments):
        if next(n) == 3:
            raise KeyboardInterrupt
        return measure(*arguments)

    monkeypatch.setattr(runner, "measure", until_killed)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", EXPERIMENT, "--seeds", "0", "1")
    killed = tmp_path / "killed" / "noise.csv"
    assert figures(killed) == figures(whole)[:3]
    assert figures(run(tmp_path / "killed", EXPERIMENT, "--seeds", "0", "1")) == figures(whole)
    assert next(n) == 7  # three before, one killed, three after: nothing is measured twice


def test_a_kill_within_a_write_leaves_the_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    records.append(path, ("a", "b"), (1, "x, y"))
    before = path.read_bytes()

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            records.append(path, ("a", "b"), (2, "z"), (3, ""))
    assert path.read_bytes() == before
    records.append(path, ("a", "b"), (2, "z"), (3, ""))
    assert list(csv.reader(path.read_text().splitlines())) == [
        ["a", "b"],
        ["1", "x, y"],
        ["2", "z"],
        ["3", ""],
    ]


@pytest.mark.parametrize(
    ("entrant", "least"),
    [
        (OWN, 0.3),  # what the most that it may come to leaves out is not spent
        (entrants.own(search={"selection": "train"}, dictionary=TWO_ATOMS), 0.3),
        (GROWTH, 0.9),
        (ALONE, 0.9),
        (entrants.peer("finer"), 0.9),
        (replace(entrants.peer("finer"), share=0.5), 0.45),
    ],
    ids=["look-ahead", "train", "growth", "growth of one", "peer", "half"],
)
def test_evaluations_are_counted_and_within_the_budget(entrant, least, monkeypatch):
    counted, step = [], _run.Run._step

    def counting(self, batch):
        counted.append(len(batch))
        return step(self, batch)

    monkeypatch.setattr(_run.Run, "_step", counting)
    asked = {
        "image": "noise", "scale": "tiny", "seed": 0, "width": 8, "layers": 2, "budget": 1e4,
        "unit": "evaluations", "device": "cpu",
    }  # fmt: skip
    (row,) = runner.measure(EXPERIMENT, entrant, asked, None)
    assert row["evaluations"] == sum(counted)
    assert least * 1e4 < sum(counted) <= 1e4


def test_seconds_are_a_limit_and_a_search_is_counted():
    asked = {
        "image": "noise", "scale": "tiny", "seed": 0, "width": 8, "layers": 1, "budget": 0.3,
        "unit": "seconds", "device": "cpu",
    }  # fmt: skip
    (row,) = runner.measure(EXPERIMENT, OWN, asked, None)
    assert row["seconds"] >= 0.3 * 0.5
    assert row["evaluations"] > row["epochs"] > 1


def test_what_is_no_network_takes_part_beside_them(tmp_path):
    """Its line has no parameters; radial functions and splines meet what they interpolate."""
    experiment = replace(EXPERIMENT, entrants=(entrants.peer("siren"), entrants.radial()))
    path = tmp_path / "noise.csv"
    runner.run(experiment, options(tmp_path, "--images", "noise"), path)
    network, radial = results.rows_of(experiment, path)
    assert (radial["trained_by"], radial["parameters"]) == ("scipy", "")
    assert float(radial["psnr"]) > 100 > float(network["psnr"])
    (group,) = results.groups(experiment, [network, radial])
    assert "| radial functions | scipy | 1 |" in results.markdown(experiment, group)


def test_splines_between_means_are_where_the_pixels_are():
    super_resolution = importlib.import_module("super_resolution")
    ramp = np.stack(np.meshgrid(np.arange(20.0), np.arange(24.0), indexing="ij"), axis=-1)
    found = super_resolution.by_spline(super_resolution.of_half_the_size(ramp, ""))
    inner = np.s_[6:-6, 6:-6]
    np.testing.assert_allclose(found.reshape(ramp.shape)[inner], ramp[inner], atol=0.02)


def plain(width):
    """Numbers of a plain network: two coordinates, three layers, three values."""
    return (2 * width + width) + 2 * (width * width + width) + (3 * width + 3)


@pytest.mark.parametrize(
    "entrant", entrants.everyone(), ids=lambda e: f"{e.network}-{e.trained_by}"
)
def test_all_have_as_many_parameters(entrant):
    width = entrants.equal_width(entrant, 256, 3, 2, 3)
    encoder = entrant.make(n_layers=3, hidden_width=width, random_state=0)
    told = entrants.n_parameters(encoder, 2, 3, 3)
    assert told == pytest.approx(plain(256), rel=0.01)
    if entrant.network.startswith("skmire"):
        return  # the search would train many; what it returns is a plain network
    encoder.set_params(max_epochs=1, trainer=Trainer())
    encoder.fit(*runner.grid_samples(IMAGE))
    assert encoder.network_.n_parameters == told


def test_a_network_that_diverges_is_recorded(tmp_path):
    class Lost(MIREncoder):
        def fit(self, X, y):
            raise runner.DivergenceError("no finite loss")

    def make(n_layers, **size):
        return Lost(search=entrants.FixedSequence("sinc", n_layers), **size)

    experiment = replace(EXPERIMENT, entrants=(entrants.Entrant("lost", "skmire", make), OWN))
    path = run(tmp_path, experiment)
    rows = results.rows_of(experiment, path)
    assert next(row["atoms"] for row in rows) == "diverged"
    (group,) = results.groups(experiment, rows)
    ((head, cells),) = results.tables(experiment, group).values()
    assert [line[head.index("diverged")] for line in cells] == ["0", "1"]
    assert cells[1][0] == "lost"
    assert cells[1][head.index("PSNR")] == ""


def written(path, experiment, *rows):
    """Write rows that hold the given cells, and something that passes elsewhere."""
    usual = {**dict.fromkeys(experiment.columns, "1"), "experiment": experiment.name}
    usual |= {"scale": "quarter", "unit": "seconds", "setting": "", "device": "cpu"}
    full = [{**usual, **row} for row in rows]
    records.append(path, experiment.columns, *([r[c] for c in experiment.columns] for r in full))


ROWS = [
    {"image": image, "network": network, "trained_by": by, "seed": seed, "psnr": psnr}
    for image, network, by, seed, psnr in [
        ("a", "skmire", "skmire", 0, 31),
        ("a", "skmire", "skmire", 1, 33),
        ("b", "skmire", "skmire", 0, 20),
        ("c", "skmire", "skmire", 0, 40),
        ("a", "siren", "authors", 0, 30),
        ("b", "siren", "authors", 0, 22),
        ("a", "siren", "skmire", 0, 29),
        ("b", "siren", "skmire", 0, 19),
        ("c", "siren", "skmire", 0, 35),
    ]
]


def test_tables_are_means_over_the_images_that_all_have(tmp_path):
    written(tmp_path / "noise.csv", EXPERIMENT, *ROWS)
    (group,) = results.groups(EXPERIMENT, results.rows_of(EXPERIMENT, tmp_path / "noise.csv"))
    found = results.tables(EXPERIMENT, group)
    assert list(found) == ["2 images", "3 images, trained by skmire, seed 0"]
    (head, shared), (_, all_images) = found.values()
    columns = ("network", "trained by", "PSNR", "PSNR, of seeds", "skmire ahead by", "at least")
    told = [tuple(line[head.index(name)] for name in columns) for line in shared]
    deviation = f"± {np.std([31, 33], ddof=1):.2f}"
    assert told == [
        ("skmire", "skmire", "26.00", deviation, "", ""),
        ("siren", "authors", "26.00", "", "+0.00", "-2.00"),
        ("siren", "skmire", "24.00", "", "+2.00", "+1.00"),
    ]
    assert [line[2] for line in all_images] == [f"{(31 + 20 + 40) / 3:.2f}", f"{83 / 3:.2f}"]


def test_a_table_of_curves_is_of_their_ends(tmp_path):
    experiment = replace(EXPERIMENT, measures=("epoch", "psnr"), along="epoch", lines=("network",))
    rows = [{"epoch": n, "psnr": 10 * n, "network": "siren"} for n in (1, 2, 10)]
    written(tmp_path / "noise.csv", experiment, *rows)
    (group,) = results.groups(experiment, results.rows_of(experiment, tmp_path / "noise.csv"))
    ((head, cells),) = results.tables(experiment, group).values()
    assert [line[head.index("PSNR")] for line in cells] == ["100.00"]
    drawings.draw(experiment, group, tmp_path / "noise_0.5", [])
    assert (tmp_path / "noise_0.5.png").stat().st_size > 1_000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.replace("psnr", "snr", 1), "must hold the columns"),
        (lambda t: "", "must hold the columns"),
        (lambda t: t.replace(",31,", ",much,"), "line 2: psnr must be a number, got 'much'"),
        (lambda t: t.replace(",31,", ",nan,"), "line 2: psnr is not a number"),
        (lambda t: t + t.splitlines()[-1] + "\n", "line 11: the same fit twice"),
        (lambda t: t[: -len("1,1,1,1,1\n")], "line 10: too many cells or too few"),
        (lambda t: t + t.splitlines()[1].replace("noise", "peace"), "the experiment 'peace'"),
        (lambda t: t.replace("1,1,1,1\n", "1,1,,1\n", 1), ": no "),
    ],
    ids=["columns", "empty", "text", "nan", "twice", "cut", "another", "no date"],
)
def test_a_broken_file_is_refused(change, said, tmp_path):
    path = tmp_path / "noise.csv"
    written(path, EXPERIMENT, *ROWS)
    text = path.read_text()
    assert len(results.rows_of(EXPERIMENT, path)) == 9
    path.write_text(change(text))
    with pytest.raises(ValueError, match=said):
        results.rows_of(EXPERIMENT, path)


def test_the_page_is_made_of_the_files(tmp_path):
    known = {e.name: e for _, e in paper_results.experiments()}
    lines = paper_results.page(tmp_path)
    missing = "This has not been measured at quarter scale yet."
    assert sum(line.startswith(missing) for line in lines) == len(known)
    written(tmp_path / "denoising.csv", known["denoising"], *ROWS)
    (tmp_path / "denoising_quarter_1_seconds.png").touch()
    text = "\n".join(paper_results.page(tmp_path))
    assert text.count(missing) == len(known) - 1
    assert "     - 26.00" in text
    assert ".. image:: results/denoising_quarter_1_seconds.png" in text
    (tmp_path / "denoising.csv").write_text("broken")
    with pytest.raises(ValueError, match=r"denoising\.csv must hold the columns"):
        paper_results.page(tmp_path)
    (tmp_path / "denoising.csv").rename(tmp_path / "other.csv")
    with pytest.raises(ValueError, match=r"files of no experiment: other\.csv"):
        paper_results.page(tmp_path)


def test_the_files_that_are_kept_are_whole():
    paper_results.page(ROOT / "docs" / "results")


def test_no_two_fits_of_an_experiment_have_one_name():
    names = [e.name for _, e in paper_results.experiments()]
    assert len(set(names)) == len(names) >= 14
    for script, experiment in paper_results.experiments():
        asked = runner.parsed(["--out", "out"], "", script, experiment.unit)
        assert isinstance(asked, argparse.Namespace)
        fits = [fit for fit, _ in runner.plan(experiment, asked)]
        assert len({tuple(fit.values()) for fit in fits}) == len(fits)
        files = {runner.panel_of(experiment, fit, Path()) for fit in fits}
        assert len(files) == len(experiment.entrants)


def test_hard_edges_are_black_and_white_down_to_a_pixel():
    image = images.hard_edges(96, 144)
    assert image.shape == (96, 144, 3)
    assert set(np.unique(image)) == {0.0, 1.0}
    row = np.flatnonzero(np.diff(image[0, :, 0]))
    assert np.diff(row).min() == 1
    assert np.diff(row).max() >= 10
