"""What the paper's experiments have in common: who is fitted to what, within what, and is resumed.

Networks of as many parameters are fitted to the same samples, within the same number of seconds or
of evaluations of the network at a sample; a search is counted in either. What comes of a fit is
added to the CSV as soon as it is measured, and not measured again. Tables and pictures are made of
the CSV, by ``results.py`` and ``drawings.py``.

Every experiment takes the same options; ``--help`` lists them.
"""

import argparse
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product
from pathlib import Path

import numpy as np
import torch
from drawings import draw
from entrants import Entrant, equal_width, most_epochs
from images import SIX, load
from numpy.typing import NDArray
from records import append, kernels, read
from results import groups, markdown, rows_of

from skmire import MIREncoder
from skmire.datasets import grid_samples
from skmire.metrics import psnr, ssim
from skmire.search import DivergenceError

Array = NDArray[np.float64]

ASKED = (
    "experiment", "image", "scale", "setting", "network", "trained_by", "seed", "width", "layers",
    "budget", "unit", "device",
)  # fmt: skip
SPENT = ("seconds", "epochs", "evaluations", "parameters", "atoms")
RECORDED = ("machine", "load", "versions", "date", "command")


@dataclass(frozen=True)
class Scale:
    """What is asked for unless told otherwise."""

    seconds: float
    evaluations: float
    width: int
    device: str = "cpu"


SCALES = {
    "tiny": Scale(seconds=0.5, evaluations=2e5, width=24),
    "quarter": Scale(seconds=20.0, evaluations=1e7, width=256),
    "full": Scale(seconds=60.0, evaluations=1e9, width=300, device="cuda"),
}


@dataclass(frozen=True)
class Case:
    """What is fitted, and the image that the fit is judged by.

    Parameters
    ----------
    coords, values : ndarray
        The samples.
    truth : ndarray of shape (height, width, n_channels)
        In [0, 1].
    places : ndarray of shape (height * width, 2)
        Where its pixels are, in the units of `coords`.
    hidden : ndarray of bool of shape (height * width,), default=None
        Pixels of the truth that are not among the samples.
    shown : dict of str to ndarray, default={}
        Images that the fits are to be seen beside.
    """

    coords: Array
    values: Array
    truth: Array
    places: Array
    hidden: NDArray[np.bool_] | None = None
    shown: dict[str, Array] = field(default_factory=dict)


def whole(image: Array, name: str) -> Case:
    """Return the case in which every pixel of an image is fitted, and asked for."""
    coords, values = grid_samples(image)
    return Case(coords, values, image, coords, shown={"truth": image})


@dataclass(frozen=True)
class Answer:
    """What is no network, asked as a fit is."""

    values: Array

    def predict(self, places: Array) -> Array:
        """Return the values at all places."""
        return self.values


def quality(case: Case, encoder: MIREncoder) -> dict:
    """Return PSNR and SSIM of a fit, and the PSNR of hidden pixels if there are any."""
    found, values = encoder.predict(case.places), case.truth.reshape(len(case.places), -1)
    found = found.reshape(values.shape)
    measures = {
        "psnr": round(psnr(values, found, data_range=1.0), 3),
        "ssim": round(ssim(case.truth, found.reshape(case.truth.shape)), 4),
    }
    if case.hidden is not None:
        at = case.hidden
        measures["hidden_psnr"] = round(psnr(values[at], found[at], data_range=1.0), 3)
    return measures


def picture(case: Case, encoder: MIREncoder) -> Array:
    """Return what a fit makes of the image."""
    return encoder.predict(case.places).reshape(case.truth.shape)


def psnr_of_losses(curve: Array, encoder: MIREncoder) -> Array:
    """Return PSNR of the losses that training recorded, scaled, epoch by epoch and by output."""
    return -10 * np.log10((curve * encoder.value_scaling_.half_range**2).mean(axis=1))


@dataclass(frozen=True)
class Experiment:
    """A question asked of networks.

    Parameters
    ----------
    name : str
        Of its files.
    title : str
    entrants : tuple of Entrant
    case : callable, default=whole
        From an image and its name to what is fitted and judged.
    images : tuple of str, default=SIX
    others : tuple of str, default=()
        Images for skmire's training and the first seed alone.
    seeds : tuple of int, default=(0, 1, 2)
    measures : tuple of str
        Columns that `judge` fills; the first of them orders the table.
    judge : callable
        From a case and a fit to the measures, or to a list of them for several rows.
    panel : callable or None
        From a case and a fit to an image, a part of the picture; ``None`` for no such picture.
    lines : tuple of str
        Columns that make out a line of the table.
    along : str, default=""
        A column of `measures` along which there are several rows a fit. The picture is then of
        curves, and the table of their ends.
    unit : {"seconds", "evaluations"}, default="seconds"
        Of the budget, unless one is given.
    sequences : bool, default=False
        Whether the table has the sequences of atoms.
    notes : tuple of str, default=()
        Sentences below the table.
    """

    name: str
    title: str
    entrants: tuple[Entrant, ...]
    case: Callable[[Array, str], Case] = whole
    images: tuple[str, ...] = SIX
    others: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    measures: tuple[str, ...] = ("psnr", "ssim")
    judge: Callable[[Case, MIREncoder], dict | list[dict]] = quality
    panel: Callable[[Case, MIREncoder], Array] | None = picture
    lines: tuple[str, ...] = ("setting", "network", "trained_by")
    along: str = ""
    unit: str = "seconds"
    sequences: bool = False
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Of its CSV."""
        return (*ASKED, *SPENT, *self.measures, *RECORDED)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The measures that are not names of what is measured."""
        return tuple(name for name in self.measures if name not in (*self.lines, self.along))

    @staticmethod
    def digits(name: str) -> int:
        """Return the decimal places that a table has of a measure."""
        return 2 if "psnr" in name else 3


def measure(experiment: Experiment, entrant: Entrant, asked: dict, panel: Path | None) -> list:
    """Fit one network to one image; return the rows that come of it, and keep its picture."""
    case = experiment.case(load(asked["image"], asked["scale"]), asked["image"])
    fit, spent = (answered if entrant.trained_by == "scipy" else fitted)(entrant, asked, case)
    spent = {**dict.fromkeys(SPENT, ""), **spent}
    if fit is None:
        return [{**dict.fromkeys(experiment.columns, ""), **spent}]
    if panel is not None and experiment.panel is not None:
        keep(experiment.panel(case, fit), panel)
        for name, image in case.shown.items():
            keep(image, beside(experiment, asked["scale"], name, panel.parent))
    judged = experiment.judge(case, fit)
    return [{**spent, **row} for row in (judged if isinstance(judged, list) else [judged])]


def answered(entrant: Entrant, asked: dict, case: Case) -> tuple[Answer, dict]:
    """Return what is no network, and what it took."""
    begun = time.perf_counter()
    answer = Answer(entrant.make(case))
    return answer, {"seconds": round(time.perf_counter() - begun, 2)}


def fitted(entrant: Entrant, asked: dict, case: Case) -> tuple[MIREncoder | None, dict]:
    """Return a fit, none if it diverged, and what was spent on it."""
    n_out = case.values.reshape(len(case.values), -1).shape[1]
    layers = asked["layers"]
    encoder = entrant.make(
        n_layers=layers,
        hidden_width=equal_width(entrant, asked["width"], layers, case.coords.shape[1], n_out),
        device=asked["device"],
        random_state=asked["seed"],
    )
    budget = asked["budget"] * entrant.share
    if asked["unit"] == "seconds":
        encoder.set_params(max_epochs=10**6, time_limit=budget)
    else:
        encoder.set_params(max_epochs=most_epochs(encoder, len(case.coords), budget))
    begun = time.perf_counter()
    try:
        encoder.fit(case.coords, case.values)
    except DivergenceError:
        return None, {"seconds": round(time.perf_counter() - begun, 2), "atoms": "diverged"}
    return encoder, {
        "seconds": round(time.perf_counter() - begun, 2),
        "epochs": encoder.search_result_.total_epochs,
        "evaluations": evaluations(encoder, len(case.coords)),
        "parameters": encoder.network_.n_parameters,
        "atoms": "-".join(atom.partition("(")[0] for atom in encoder.activations_),
    }


def evaluations(encoder: MIREncoder, n_samples: int) -> int:
    """Return how often networks were evaluated at a sample, with slopes, a search counted.

    An epoch that a time limit cut short counts as a whole. Evaluations between epochs, without
    slopes, are not counted.
    """
    trace = encoder.search_result_.trace
    return sum(candidate.epochs * (candidate.n_samples or n_samples) for candidate in trace)


def keep(image: Array, path: Path) -> None:
    """Write an image as a PNG."""
    from skimage.io import imsave

    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.round(255 * np.clip(np.nan_to_num(image), 0, 1)).astype(np.uint8)
    imsave(path, pixels[..., 0] if pixels.shape[-1] == 1 else pixels, check_contrast=False)


def plan(experiment: Experiment, options: argparse.Namespace) -> Iterator[tuple[dict, Entrant]]:
    """Yield what is to be measured, the first seed of everything first."""

    def asked(image: str, seed: int, entrant: Entrant) -> dict:
        return {
            "experiment": experiment.name, "image": image, "scale": options.scale,
            "setting": entrant.setting, "network": entrant.network,
            "trained_by": entrant.trained_by, "seed": seed,
            "width": entrant.width or options.width, "layers": entrant.layers or options.layers,
            "budget": options.budget, "unit": options.unit, "device": options.device,
        }  # fmt: skip

    entrants = [
        entrant
        for entrant in experiment.entrants
        if (not options.networks or entrant.network in options.networks)
        and (not options.settings or entrant.setting in options.settings)
        and entrant.trained_by in options.trained_by
    ]
    first, *seeds = options.seeds or (experiment.seeds if options.scale != "tiny" else [0])
    images = options.images or experiment.images[: 1 if options.scale == "tiny" else None]
    others = experiment.others if not options.images and options.scale != "tiny" else ()
    for image, entrant in product(images, entrants):
        yield asked(image, first, entrant), entrant
    for image, entrant in product(others, entrants):
        if entrant.trained_by == "skmire":
            yield asked(image, first, entrant), entrant
    for seed, image, entrant in product(seeds, images, entrants):
        yield asked(image, seed, entrant), entrant


def beside(experiment: Experiment, scale: str, name: str, folder: Path) -> Path:
    """Return the file of an image that the fits are to be seen beside."""
    return folder / f"{experiment.name}_{scale}_shown_{name}.png"


def panel_of(experiment: Experiment, asked: dict, folder: Path) -> Path:
    """Return the file of a fit's picture."""
    parts = (experiment.name, *(asked[k] for k in ("scale", "setting", "network", "trained_by")))
    return folder / f"{'_'.join(parts).replace(' ', '').replace(',', '-')}.png"


def panels(experiment: Experiment, options: argparse.Namespace) -> list[tuple[str, Path]]:
    """Return titles and files of the pictures that a run leaves."""
    folder = options.out / "panels"
    found = {
        path.stem.rpartition("_shown_")[2]: path
        for path in sorted(folder.glob(beside(experiment, options.scale, "*", folder).name))
    }
    for asked, entrant in plan(experiment, options):
        title = ", ".join(filter(None, (entrant.setting, entrant.network)))
        by = " (authors)" if entrant.trained_by == "authors" else ""
        found.setdefault(title + by, panel_of(experiment, asked, folder))
    return list(found.items())


def run(experiment: Experiment, options: argparse.Namespace, path: Path) -> None:
    """Measure what is planned and not in the CSV yet."""
    done = {tuple(row[name] for name in ASKED) for row in read(path)}
    recorded = {
        "machine": machine(options.device),
        "versions": versions(),
        "command": options.command,
    }
    wanted = list(plan(experiment, options))
    for number, (asked, entrant) in enumerate(wanted, start=1):
        if tuple(str(asked[name]) for name in ASKED) in done:
            continue
        seen = (asked["image"], asked["seed"]) == tuple(wanted[0][0][k] for k in ("image", "seed"))
        panel = panel_of(experiment, asked, options.out / "panels") if seen else None
        recorded["load"] = round(os.getloadavg()[0], 2)  # seconds are worth less on a busy machine
        found = measure(experiment, entrant, asked, panel)
        date = datetime.now(UTC).date().isoformat()
        rows = [{**row, **asked, **recorded, "date": date} for row in found]
        append(path, experiment.columns, *([row[c] for c in experiment.columns] for row in rows))
        told = (*ASKED[1:7], *SPENT, *experiment.measures)
        print(f"{number}/{len(wanted)}", *(rows[-1][c] for c in told), sep="  ", flush=True)


def machine(device: str) -> str:
    """Return what the fits are computed on."""
    accelerator = "" if device == "cpu" else f", {torch.cuda.get_device_name(device)}"
    threads = torch.get_num_threads()
    return f"{platform.machine()}, {os.cpu_count()} cores, {threads} threads{accelerator}"


def versions() -> str:
    """Return those of what computes."""
    return (
        f"skmire {version('skmire')}, torch {torch.__version__}, numpy {np.__version__}, "
        f"Python {platform.python_version()}, {kernels()}"
    )


def parsed(arguments: list[str], title: str, script: str, unit: str) -> argparse.Namespace:
    """Return the options, with what the scale says where nothing is given."""
    parser = argparse.ArgumentParser(prog=f"benchmarks/paper/{script}", description=title)
    parser.add_argument("--scale", choices=SCALES, default="quarter")
    parser.add_argument("--images", nargs="+", default=[], help="their names, as kodim09")
    parser.add_argument("--seeds", nargs="+", type=int, default=[])
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--seconds", type=float, help="for each fit, a search counted")
    budget.add_argument("--evaluations", type=float, help="of the network at a sample, likewise")
    parser.add_argument("--width", type=int, help="of a plain network; the others have as many")
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--networks", nargs="+", default=[])
    parser.add_argument("--settings", nargs="+", default=[])
    parser.add_argument("--trained-by", nargs="+", default=["authors", "skmire", "scipy"])
    parser.add_argument("--device")
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    parser.add_argument("--report", action="store_true", help="only tell what the files hold")
    options = parser.parse_args(arguments)
    scale = SCALES[options.scale]
    options.width, options.device = options.width or scale.width, options.device or scale.device
    given = {"seconds": options.seconds, "evaluations": options.evaluations}
    options.unit = next((unit for unit, budget in given.items() if budget), unit)
    options.budget = float(given[options.unit] or getattr(scale, options.unit))
    if "--out" in arguments:
        at = arguments.index("--out")
        arguments = [*arguments[:at], *arguments[at + 2 :]]
    options.command = " ".join(["python", f"benchmarks/paper/{script}", *arguments])
    return options


def main(experiments: tuple[Experiment, ...], arguments: list[str] | None = None) -> None:
    """Measure what is asked for and not in the CSV yet; write tables and pictures."""
    arguments = sys.argv[1:] if arguments is None else arguments
    first = experiments[0]
    options = parsed(arguments, first.title, Path(sys.argv[0]).name, first.unit)
    warnings.filterwarnings("ignore", category=UserWarning)
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"{machine(options.device)}, {versions()}, load {os.getloadavg()[0]:.1f}")
    for experiment in experiments:
        path = options.out / f"{experiment.name}.csv"
        if not options.report:
            run(experiment, options, path)
        for group in groups(experiment, rows_of(experiment, path)):
            if group.scale != options.scale:
                continue
            stem = options.out / f"{experiment.name}_{group.slug}"
            stem.with_name(f"{stem.name}.md").write_text(markdown(experiment, group))
            draw(experiment, group, stem, panels(experiment, options))
            print(f"\n{markdown(experiment, group)}")
