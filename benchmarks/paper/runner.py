"""What the paper's experiments have in common: who takes part, how it is measured and told.

Networks of as many layers and units (``skmire.peers`` says how complex ones count) are fitted to
images within the same number of seconds, a search counted. A published network takes part twice:
trained by its authors' recipe, and as skmire trains its own. A row of the CSV is written as soon
as it is measured, and not measured again.
"""

import argparse
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path

import numpy as np
import torch
from real_signals import averaged, kodak
from records import append, read

from skmire import LayerSearch, MIREncoder, Trainer, peers
from skmire.datasets import grid_samples
from skmire.metrics import psnr, ssim

COLUMNS = (
    "experiment", "image", "scale", "network", "trained_by", "seed", "width", "layers", "budget",
    "device", "seconds", "passes", "parameters", "psnr", "ssim", "hidden_psnr", "atoms",
    "machine",
)  # fmt: skip
KEY = COLUMNS[:10]


@dataclass(frozen=True)
class Entrant:
    """A network that takes part, and by whose recipe it is trained."""

    network: str
    trained_by: str
    make: Callable[..., MIREncoder]


def _peer(network: str, make: Callable[..., MIREncoder], **fixed: object) -> list[Entrant]:
    return [
        Entrant(network, "authors", lambda **size: make(**fixed, **size)),
        Entrant(network, "skmire", lambda **size: make(**fixed, trainer=Trainer(), **size)),
    ]


def _skmire(**options: object) -> Callable[..., MIREncoder]:
    def make(n_layers: int, **size: object) -> MIREncoder:
        return MIREncoder(search=LayerSearch(n_layers, **options), **size)

    return make


ENTRANTS = [
    Entrant("skmire", "skmire", _skmire()),
    Entrant("skmire, train", "skmire", _skmire(selection="train")),
    *_peer("siren", peers.siren),
    *_peer("finer", peers.finer),
    *_peer("gauss", peers.gauss),
    *_peer("wire", peers.wire),
    *_peer("wire, real", peers.wire, complex=False),
    *_peer("gabornet", peers.mfn, kind="gabor"),
    *_peer("fouriernet", peers.mfn, kind="fourier"),
    *_peer("incode", peers.incode),
    *_peer("fourier_relu", peers.fourier_relu),
]


@dataclass(frozen=True)
class Experiment:
    """A question asked of every network.

    Parameters
    ----------
    name : str
        Of its files.
    title : str
    visible : callable
        From an image and its number to the pixels that are fitted, a boolean array.
    without : dict of str to str
        Networks that cannot take part, and why.
    """

    name: str
    title: str
    visible: Callable[[np.ndarray, int], np.ndarray]
    without: dict[str, str]


def photograph(number: int, scale: str) -> np.ndarray:
    """Return a photograph of the Kodak set, averaged over blocks of pixels.

    ``"quarter"`` has 128 x 192 pixels, or as many upright; ``"crop"`` is 32 x 32 in its middle.
    """
    image = kodak(f"kodim{number:02}")
    if scale == "full":
        return image
    image = averaged(image, 4)
    if scale == "crop":
        top, left = (side // 2 - 16 for side in image.shape[:2])
        image = image[top : top + 32, left : left + 32]
    return image


def measure(experiment: Experiment, entrant: Entrant, asked: dict) -> dict:
    """Fit one network to one image; return what comes of it, in addition to what was asked."""
    image = photograph(asked["image"], asked["scale"])
    coords, values = grid_samples(image)
    fitted = experiment.visible(image, asked["image"]).ravel()
    encoder = entrant.make(
        n_layers=asked["layers"],
        hidden_width=asked["width"],
        max_epochs=10**6,
        time_limit=asked["budget"],
        device=asked["device"],
        random_state=asked["seed"],
    )
    begun = time.perf_counter()
    encoder.fit(coords[fitted], values[fitted])
    seconds = time.perf_counter() - begun
    found = encoder.predict(coords)
    hidden = psnr(values[~fitted], found[~fitted], data_range=1.0) if not fitted.all() else ""
    return {
        "seconds": round(seconds, 2),
        "passes": encoder.search_result_.total_epochs,
        "parameters": encoder.network_.n_parameters,
        "psnr": round(psnr(values, found, data_range=1.0), 3),
        "ssim": round(ssim(image, found.reshape(image.shape)), 4),
        "hidden_psnr": hidden and round(hidden, 3),
        "atoms": "-".join(atom.partition("(")[0] for atom in encoder.activations_),
        "machine": machine(asked["device"]),
    }


def report(experiment: Experiment, rows: list[dict]) -> str:
    """Return what the rows of a scale hold as a Markdown table, the best first."""
    table: dict[tuple[str, str], dict[str, list[dict]]] = {}
    for row in rows:
        entrant = table.setdefault((row["network"], row["trained_by"]), {})
        entrant.setdefault(row["image"], []).append(row)

    def mean(results: dict[str, list[dict]], column: str) -> float:
        """Return the mean over images of the mean over seeds."""
        means = [
            statistics.fmean(float(row[column]) for row in seeds)
            for seeds in results.values()
            if all(row[column] for row in seeds)
        ]
        return statistics.fmean(means) if means else float("nan")

    own = table.get(("skmire", "skmire"), {})
    head = ["network", "trained by", "images", "seeds", "PSNR", "of seeds", "SSIM", "hidden PSNR",
            "skmire ahead by", "at least"]  # fmt: skip
    lines = [" | ".join(head), " | ".join(["---"] * len(head))]
    for (network, by), results in sorted(table.items(), key=lambda i: -mean(i[1], "psnr")):
        spreads = [
            statistics.stdev(float(row["psnr"]) for row in seeds)
            for seeds in results.values()
            if len(seeds) > 1
        ]
        leads = [
            mean({image: own[image]}, "psnr") - mean({image: results[image]}, "psnr")
            for image in results
            if image in own
        ]
        cells = [network, by, str(len(results)), str(max(map(len, results.values()))),
                 f"{mean(results, 'psnr'):.2f}",
                 f"± {statistics.fmean(spreads):.2f}" if spreads else "",
                 f"{mean(results, 'ssim'):.3f}",
                 f"{mean(results, 'hidden_psnr'):.2f}".replace("nan", ""),
                 *(f"{f(leads):+.2f}" if leads else "" for f in (statistics.fmean, min)),
                 ]  # fmt: skip
        lines.append(" | ".join(cells))
    notes = [
        "PSNR in dB against a peak of 1, of predictions as they are, over all pixels and channels; "
        "means over images of the means over seeds. SSIM after Wang et al. *Of seeds*: standard "
        "deviation, mean over images. The last columns: mean and least of the differences on the "
        "same image.",
        f"Scale {rows[0]['scale']}, {rows[0]['layers']} layers of {rows[0]['width']} units, "
        f"{float(rows[0]['budget']):g} seconds a fit, a search counted.",
        *(f"{network} takes no part: {why}." for network, why in experiment.without.items()),
        *sorted({f"On {row['machine']}." for row in rows}),
    ]
    return "\n".join([f"# {experiment.title}", "", *(f"| {line} |" for line in lines), "",
                      *(f"- {note}" for note in notes), ""])  # fmt: skip


def draw(experiment: Experiment, rows: list[dict], path: Path) -> None:
    """Draw the PSNR of every network, a dot for every fit and a bar at the mean."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    found: dict[str, list[float]] = {}
    for row in rows:
        name = f"{row['network']} ({row['trained_by']})"
        found.setdefault(name, []).append(float(row["psnr"]))
    names = sorted(found, key=lambda name: statistics.fmean(found[name]))
    figure, ax = plt.subplots(figsize=(7, 0.8 + 0.3 * len(names)), layout="constrained")
    for place, name in enumerate(names):
        colour = "C0" if name.startswith("skmire") else "0.4"
        ax.scatter(found[name], [place] * len(found[name]), color=colour, s=12, alpha=0.6)
        ax.plot(statistics.fmean(found[name]), place, "|", color=colour, markersize=16)
    ax.set_yticks(range(len(names)), names)
    ax.set_xlabel("PSNR in dB")
    ax.set_title(f"{experiment.title}, scale {rows[0]['scale']}")
    figure.savefig(path, dpi=120)


def main(*experiments: Experiment) -> None:
    """Measure what is asked for and not in the CSV yet; write table and picture."""
    script = Path(sys.argv[0])
    parser = argparse.ArgumentParser(description=experiments[0].title)
    parser.add_argument("--scale", choices=("quarter", "full", "crop"), default="quarter")
    parser.add_argument("--images", nargs="+", type=int, default=[9, 23, 8, 5, 13, 20])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each fit")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--networks", nargs="+", default=[e.network for e in ENTRANTS])
    parser.add_argument("--trained-by", nargs="+", default=["authors", "skmire"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    parser.add_argument("--report", action="store_true", help="only tell what the files hold")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"{machine(options.device)}, load {os.getloadavg()[0]:.1f}")
    for experiment in experiments:
        path = options.out / f"{experiment.name}.csv"
        if not options.report:
            run(experiment, options, path)
        asked = {"scale": options.scale, "width": options.width, "layers": options.layers,
                 "budget": options.seconds, "device": options.device}  # fmt: skip
        rows = [row for row in read(path) if all(row[k] == str(v) for k, v in asked.items())]
        if rows:
            told = report(experiment, rows) + f"- By `benchmarks/paper/{script.name}`.\n"
            stem = f"{experiment.name}_{options.scale}"
            (options.out / f"{stem}.md").write_text(told)
            draw(experiment, rows, options.out / f"{stem}.png")
            print(f"\n{told}")


def machine(device: str) -> str:
    if device != "cpu":
        device = torch.cuda.get_device_name(device)
    return (
        f"skmire {version('skmire')}, torch {torch.__version__}, Python "
        f"{platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} threads, {device}"
    )


def run(experiment: Experiment, options: argparse.Namespace, path: Path) -> None:
    """Measure what is asked for and not in the CSV yet, the first seed of everything first."""
    done = {tuple(row[name] for name in KEY) for row in read(path)}
    for seed, image, entrant in product(options.seeds, options.images, ENTRANTS):
        if (
            entrant.network not in options.networks
            or entrant.trained_by not in options.trained_by
            or entrant.network in experiment.without
        ):
            continue
        asked = {
            "experiment": experiment.name,
            "image": image,
            "scale": options.scale,
            "network": entrant.network,
            "trained_by": entrant.trained_by,
            "seed": seed,
            "width": options.width,
            "layers": options.layers,
            "budget": options.seconds,
            "device": options.device,
        }
        if tuple(str(asked[name]) for name in KEY) in done:
            continue
        row = {**asked, **measure(experiment, entrant, asked)}
        append(path, COLUMNS, [row[name] for name in COLUMNS])
        print(*(row[name] for name in COLUMNS), sep="  ", flush=True)
