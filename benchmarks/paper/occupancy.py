"""Occupancy: the inside of two statues, and the intersection over union with all of their voxels.

Every network is fitted to the same voxels, drawn near the surface with weights that make up for it,
within the same seconds, a search counted, and has as many parameters (a complex weight counts two).
A row of the CSV is written as soon as it is measured, and not measured again.

    SKMIRE_DATA=... python benchmarks/paper/occupancy.py --longest 128
"""

import statistics
import sys
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is
from entrants import Entrant, equal_width, everyone
from fields import OWN, fill, markdown, notes_on, options_for
from real_signals import folder
from records import read

from skmire import FixedSequence, MIREncoder, OccupancyEncoder
from skmire.metrics import iou
from skmire.shapes import occupancy_from_mesh

COLUMNS = (
    "shape", "longest", "network", "trained_by", "loss", "seed", "width", "layers", "samples",
    "budget", "device", "voxels", "passes", "parameters", "seconds", "iou", "sampled_iou", "atoms",
    "load", "machine",
)  # fmt: skip
KEY = COLUMNS[:11]
WITHOUT = {"incode": "of its harmonisers skmire has the one that reads an image, without holes"}


def _sinusoids(n_layers: int, **size: object) -> MIREncoder:
    return MIREncoder(search=FixedSequence("sinusoid", n_layers), **size)


TAKING_PART = [
    *(e for e in everyone(without=WITHOUT) if e.network != "skmire, train"),
    Entrant("skmire, sinusoid, no search", "skmire", _sinusoids),
]


def statue(name: str, longest: int) -> np.ndarray:
    """Return which voxels of a tight box are inside, about `longest` along its longest side."""
    if name == "lucy":
        return occupancy_from_mesh(folder() / "mesh" / "lucy.obj", longest).values
    with np.load(folder() / "volume" / "thai_statue_512.npz") as file:
        shape = file["shape"]
        solid = np.unpackbits(file["occupancy"], count=np.prod(shape)).reshape(shape).astype(bool)
    step = max(max(shape) // longest, 1)
    return np.ascontiguousarray(solid[(slice(step // 2, None, step),) * 3])


def classifier(entrant: Entrant, asked: dict) -> OccupancyEncoder:
    """Return a network as a classifier, whatever it was published for."""
    size = {
        "n_layers": asked["layers"],
        "hidden_width": equal_width(entrant, asked["width"], asked["layers"], 3, 1),
    }
    given = entrant.make(**size, device=asked["device"], random_state=asked["seed"])
    params = given.get_params(deep=False)
    params.pop("measurement", None)
    params |= {"max_epochs": 10**6, "time_limit": asked["budget"], "loss": asked["loss"]}
    return OccupancyEncoder(**params)


def measure(entrant: Entrant, asked: dict, volume: np.ndarray, pictures: Path) -> dict:
    """Fit one network to one statue; return what comes of it, in addition to what was asked."""
    encoder = classifier(entrant, asked)
    begun = time.perf_counter()
    encoder.fit_volume(volume, n_samples=asked["samples"])
    seconds = time.perf_counter() - begun
    found = encoder.predict_volume(volume.shape)
    if (entrant.network, entrant.trained_by) == OWN:
        draw(volume, found, pictures / f"occupancy_{asked['shape']}_{asked['longest']}.png")
    return {
        "voxels": volume.size,
        "passes": encoder.search_result_.total_epochs,
        "parameters": encoder.network_.n_parameters,
        "seconds": round(seconds, 1),
        "iou": round(iou(volume, found), 5),
        "sampled_iou": round(encoder.iou_, 5),
        "atoms": "-".join(atom.partition("(")[0] for atom in encoder.activations_),
    }


def draw(truth: np.ndarray, found: np.ndarray, path: Path) -> None:
    """Draw a statue and its reconstruction, from the front, lit from the upper left."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(7, 5.5), layout="constrained")
    titles = ("truth", f"reconstruction, IoU {iou(truth, found):.4f}")
    for ax, volume, title in zip(axes, (truth, found), titles, strict=True):
        depth = np.where(volume.any(axis=2), volume.shape[2] - volume[:, :, ::-1].argmax(axis=2), 0)
        across, up = np.gradient(depth.astype(float))
        light = (across - up + 2) / np.sqrt(across**2 + up**2 + 1) / np.sqrt(6)
        ax.imshow(np.where(depth > 0, 0.2 + light, np.nan).T, cmap="gray", origin="lower",
                  vmin=-0.5, vmax=1.2)  # fmt: skip
        ax.set_title(title)
        ax.set_axis_off()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def report(rows: list[dict]) -> str:
    """Return what the rows hold as a Markdown table, the best first."""
    table: dict[tuple[str, str], dict[str, list[dict]]] = {}
    for row in rows:
        of_network = table.setdefault((row["network"], row["trained_by"]), {})
        of_network.setdefault(row["shape"], []).append(row)
    shapes = sorted({row["shape"] for row in rows})

    def mean(found: dict[str, list[dict]], shape: str, column: str = "iou") -> float:
        return statistics.fmean(float(row[column]) for row in found[shape])

    lines = [["network", "trained by", *(f"IoU, {s}" for s in shapes), "passes", "parameters",
              "atoms"]]  # fmt: skip
    for (network, by), found in sorted(
        table.items(), key=lambda item: -statistics.fmean(mean(item[1], s) for s in item[1])
    ):
        own = [s for s in shapes if s in found]
        lines.append([
            network, by,
            *(f"{mean(found, s):.4f}" if s in found else "" for s in shapes),
            "/".join(f"{mean(found, s, 'passes'):.0f}" for s in own),
            found[own[0]][0]["parameters"],
            "/".join(dict.fromkeys(found[s][0]["atoms"] for s in own)),
        ])  # fmt: skip
    first = rows[0]
    notes = [
        "Intersection over union at probability 0.5, over all voxels of the tight box; means over "
        f"{len({row['seed'] for row in rows})} seed(s). Passes and atoms in the order of shapes.",
        f"Longest side {first['longest']} voxels, {first['samples']} of them fitted, with the "
        f"{first['loss']} loss; {first['layers']} layers of {first['width']} units.",
        *notes_on(rows, WITHOUT),
    ]
    return markdown("Occupancy of two statues", lines, notes)


def main() -> None:
    parser = options_for(__doc__, TAKING_PART, out="occupancy", budget=60.0, width=256, layers=3)
    parser.add_argument("--shapes", nargs="+", default=["thai_statue", "lucy"])
    parser.add_argument("--longest", type=int, default=128, help="voxels along the longest side")
    parser.add_argument("--samples", type=int, default=2**18)
    parser.add_argument("--loss", choices=("squared", "logistic"), default="squared")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "occupancy.csv"
    for seed, shape in product(options.seeds, options.shapes):
        asked = {"shape": shape, "seed": seed, "longest": options.longest, "loss": options.loss,
                 "samples": options.samples}  # fmt: skip
        volume = statue(shape, options.longest)

        def measured(entrant, wanted, volume=volume):
            return measure(entrant, wanted, volume, options.out)

        fill(path, COLUMNS, KEY, TAKING_PART, options, asked, measured)
    like = {name: str(getattr(options, name)) for name in
            ("longest", "loss", "width", "layers", "samples", "budget", "device")}  # fmt: skip
    told = report([r for r in read(path) if all(r[k] == v for k, v in like.items())])
    (options.out / f"occupancy_{options.longest}.md").write_text(told)
    print(f"\n{told}")


if __name__ == "__main__":
    main()
