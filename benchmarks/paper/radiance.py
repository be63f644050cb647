"""Radiance fields: a scene from some rays of its pictures, and the views that were held out.

Every network is NeRF's of two heads, with its own atoms, encoding and first weights: fitted to the
same rays, sampled alike, within the same seconds, a search counted. Networks have as many
parameters (a complex weight counts two). A row of the CSV is written as soon as it is measured, and
not measured again.

    SKMIRE_DATA=... python benchmarks/paper/radiance.py --rays 65536
"""

import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is
from entrants import Entrant, equal_width, everyone
from fields import OWN, fill, markdown, notes_on, options_for
from real_signals import folder
from records import read

from skmire import Architecture, FixedSequence, MIREncoder, RadianceEncoder
from skmire.cameras import Views, load_views, orbit
from skmire.measurements import VolumeRendering
from skmire.metrics import psnr, ssim
from skmire.networks import PositionalEncoding, RadianceArchitecture

COLUMNS = (
    "scene", "network", "trained_by", "seed", "width", "layers", "rays", "samples", "budget",
    "views", "device", "passes", "parameters", "seconds", "psnr", "ssim", "train_psnr", "atoms",
    "load", "machine",
)  # fmt: skip
KEY = COLUMNS[:11]
WITHOUT = {"incode": "of its harmonisers skmire has the one that reads an image"}
HALF_SIDE = 1.3  # of the box that holds the scene


def _gaussians(n_layers: int, **size: object) -> MIREncoder:
    return MIREncoder(search=FixedSequence("gaussian", n_layers), **size)


TAKING_PART = [
    *(e for e in everyone(without=WITHOUT) if e.network != "skmire, train"),
    Entrant("skmire, gaussian, no search", "skmire", _gaussians),
]


def two_headed(encoder: MIREncoder) -> MIREncoder:
    """Return an encoder whose network is NeRF's of two heads, with its own layers as the trunk."""
    trunk, heads = encoder.network, {}
    if isinstance(trunk, Architecture):  # the colours' layer starts as those before
        heads = {"weight_init": trunk.weight_init, "output_scale": trunk.output_scale}
        if trunk.encoding is not None:
            heads["direction_encoding"] = PositionalEncoding(4, lowest=1.0)
    return encoder.set_params(network=RadianceArchitecture(trunk, **heads))


def radiance(entrant: Entrant, asked: dict) -> RadianceEncoder:
    """Return a network as a radiance field, whatever it was published for."""
    size = {
        "n_layers": asked["layers"],
        "hidden_width": equal_width(entrant, asked["width"], asked["layers"], 6, 4, two_headed),
    }
    given = entrant.make(**size, device=asked["device"], random_state=asked["seed"])
    params = two_headed(given).get_params(deep=False)
    params["measurement"] = VolumeRendering(
        bounds=[[-HALF_SIDE, HALF_SIDE]] * 3, n_samples=asked["samples"], view_dependent=True
    )
    params |= {"max_epochs": 10**6, "time_limit": asked["budget"]}
    params["coordinate_scaling"] = "isotropic"
    return RadianceEncoder(**params)


def measure(entrant: Entrant, asked: dict, pictures: Path) -> dict:
    """Fit one network to the rays; return what comes of it, in addition to what was asked."""
    path = folder() / "nerf" / f"{asked['scene']}.npz"
    X, y = load_views(path).samples(asked["rays"], random_state=asked["seed"])
    encoder = radiance(entrant, asked)
    begun = time.perf_counter()
    encoder.fit(X, y)
    seconds = time.perf_counter() - begun
    held_out = load_views(path, "test")
    chosen = np.linspace(0, len(held_out) - 1, asked["views"]).round().astype(int)
    truth = [held_out.picture(i) for i in chosen]
    found = [
        encoder.render(held_out.poses[i], held_out.height, held_out.width, held_out.focal)
        for i in chosen
    ]
    name = f"{asked['scene']}_{entrant.network.replace(', ', '_').replace(' ', '_')}"
    draw(truth, found, pictures / f"radiance_{name}.png")
    if (entrant.network, entrant.trained_by) == OWN:
        turn(encoder, held_out, pictures / f"radiance_{asked['scene']}_orbit.png")
    return {
        "passes": encoder.search_result_.total_epochs,
        "parameters": encoder.network_.n_parameters,
        "seconds": round(seconds, 1),
        "psnr": round(statistics.fmean(map(decibels, truth, found)), 3),
        "ssim": round(statistics.fmean(map(ssim, truth, found)), 4),
        "train_psnr": round(decibels(y, encoder.predict(X)), 3),
        "atoms": "-".join(atom.partition("(")[0] for atom in encoder.activations_),
    }


def decibels(truth: np.ndarray, found: np.ndarray) -> float:
    return psnr(truth, found, data_range=1.0)


def draw(truth: list[np.ndarray], found: list[np.ndarray], path: Path) -> None:
    """Draw four of the held-out views, and below them what was found."""
    chosen = np.linspace(0, len(truth) - 1, min(4, len(truth))).round().astype(int)
    save([[truth[i] for i in chosen], [found[i] for i in chosen]], path)


def turn(encoder: RadianceEncoder, views: Views, path: Path) -> None:
    """Draw pictures and depths on an orbit around the scene."""
    radius = float(np.linalg.norm(views.poses[:, :3, 3], axis=1).mean())
    camera = views.height, views.width, views.focal
    colours, depths = [], []
    for pose in orbit(6, radius):
        colours.append(encoder.render(pose, *camera))
        depth = (encoder.render_depth(pose, *camera) - radius + HALF_SIDE) / (2 * HALF_SIDE)
        depths.append(np.repeat(np.clip(depth, 0, 1)[..., None], 3, axis=2))
    save([colours, depths], path)


def save(rows: list[list[np.ndarray]], path: Path) -> None:
    """Save pictures as one, twice as large."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    image = np.vstack([np.hstack(row) for row in rows]).clip(0, 1)
    plt.imsave(path, image.repeat(2, axis=0).repeat(2, axis=1))


def report(rows: list[dict]) -> str:
    """Return what the rows hold as a Markdown table, the best first."""
    table: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        table.setdefault((row["network"], row["trained_by"]), []).append(row)

    def mean(found: list[dict], column: str) -> float:
        return statistics.fmean(float(row[column]) for row in found)

    lines = [["network", "trained by", "PSNR", "SSIM", "PSNR, rays fitted", "passes",
              "parameters", "atoms"]]  # fmt: skip
    for (network, by), found in sorted(table.items(), key=lambda item: -mean(item[1], "psnr")):
        lines.append([
            network, by, f"{mean(found, 'psnr'):.2f}", f"{mean(found, 'ssim'):.3f}",
            f"{mean(found, 'train_psnr'):.2f}", f"{mean(found, 'passes'):.0f}",
            found[0]["parameters"], found[0]["atoms"],
        ])  # fmt: skip
    first = rows[0]
    notes = [
        f"Scene {first['scene']}: {first['rays']} rays of its training views, {first['samples']} "
        f"points each; PSNR and SSIM are means over {first['views']} held-out views, and over "
        f"{len({row['seed'] for row in rows})} seed(s).",
        f"Two heads, {first['layers']} layers of {first['width']} units, the last that of the "
        "colours; fourier_relu encodes place and direction, as NeRF does, and nobody else does.",
        *notes_on(rows, WITHOUT),
    ]
    return markdown("Views of a scene", lines, notes)


def main() -> None:
    parser = options_for(__doc__, TAKING_PART, out="radiance", budget=300.0, width=128, layers=4)
    parser.add_argument("--scene", default="chair_100")
    parser.add_argument("--rays", type=int, default=2**16, help="of all training views together")
    parser.add_argument("--samples", type=int, default=64, help="points along a ray")
    parser.add_argument("--views", type=int, default=25, help="held-out views, evenly chosen")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "radiance.csv"

    def measured(entrant, wanted):
        return measure(entrant, wanted, options.out)

    for seed in options.seeds:
        asked = {"scene": options.scene, "seed": seed, "rays": options.rays,
                 "samples": options.samples, "views": options.views}  # fmt: skip
        fill(path, COLUMNS, KEY, TAKING_PART, options, asked, measured)
    of_run = ("scene", "width", "layers", "rays", "samples", "budget", "views", "device")
    like = {name: str(getattr(options, name)) for name in of_run}
    told = report([r for r in read(path) if all(r[k] == v for k, v in like.items())])
    (options.out / f"{options.scene}.md").write_text(told)
    print(f"\n{told}")


if __name__ == "__main__":
    main()
