"""Tomography from few angles: MIREncoder beside the methods of scikit-image.

The Shepp-Logan phantom at 128 x 128 pixels, its projections by ``skimage.transform.radon`` at 60,
30 and 15 angles, evenly over 180 degrees, as they are and with an error of 2 % (its norm by that of
the projections). PSNR and SSIM by the range 1 of the phantom, over all pixels, of

- filtered back projection, with every filter that scikit-image has; the best by PSNR is shown;
- SART, with relaxations of 0.05, 0.15 (the default) and 0.5; after every one of up to 50 passes.
  The best pass of the best relaxation by PSNR is shown, which nobody can know without the phantom:
  a bound of what SART could reach, not what it does;
- SART after one and two passes, as scikit-image's documentation uses it;
- both with values below 0 set to 0 after every projection (``clip``), for who knows that there are
  none;
- skmire: no phantom known, no pass picked. ``fixed`` is a sequence of one atom at matched scales;
  ``search`` is ``MIREncoder(measurement=LineIntegrals(), random_state=0)`` with the units, nodes,
  epochs, learning rate and lines a step that the options say; ``bounded`` is the same search with
  ``LineIntegrals(nonnegative=True)``, for who knows as much as those who clip.

Not filtered, on either side. The projections are scikit-image's own, sums over
pixels that are interpolated linearly, which its methods invert and skmire's integrals meet to 1 %.
A row of the CSV is written as soon as it is measured; what the file holds is not measured again.
Seconds are processor time on one thread.

    python benchmarks/tomography.py [--methods fbp sart fixed search bounded] [--angles 60 30 15]
    python benchmarks/tomography.py --report
"""

import argparse
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from records import append, read
from skimage.data import shepp_logan_phantom
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from skimage.transform import iradon, iradon_sart, radon, resize

from skmire import FixedSequence, MIREncoder, Trainer
from skmire.measurements import LineIntegrals
from skmire.search import single_thread

SIDE = 128
FILTERS = ("ramp", "shepp-logan", "cosine", "hamming", "hann")
RELAXATIONS = (0.05, 0.15, 0.5)
PASSES = 50
COLUMNS = ("angles", "noise", "method", "setting", "seconds", "psnr", "ssim", "meets")


def phantom():
    return resize(shepp_logan_phantom(), (SIDE, SIDE), anti_aliasing=True)


def projections(n_angles, noise):
    """Return angles in degrees, and projections of shape (offsets, angles)."""
    degrees = np.linspace(0, 180, n_angles, endpoint=False)
    clean = radon(phantom(), theta=degrees)
    error = np.random.default_rng(0).normal(size=clean.shape)
    return degrees, clean + noise * error * np.linalg.norm(clean) / np.linalg.norm(error)


def lines(degrees):
    """Return a row a projection's value, and the pixels, in their units about the centre.

    scikit-image turns about pixel SIDE // 2, and its second axis upward.
    """
    offsets = np.arange(SIDE) - SIDE // 2
    offset, angle = np.meshgrid(offsets, np.deg2rad(degrees), indexing="ij")
    row, column = np.meshgrid(offsets, offsets, indexing="ij")
    return (
        np.stack([angle.ravel(), offset.ravel()], axis=1),
        np.stack([column.ravel(), -row.ravel()], axis=1),
    )


def quality(image):
    truth = phantom()
    return {
        "psnr": peak_signal_noise_ratio(truth, image, data_range=1),
        "ssim": structural_similarity(truth, image, data_range=1),
    }


def fbp(degrees, sinogram, options):
    for name in FILTERS:
        begun = time.process_time()
        image = iradon(sinogram, theta=degrees, filter_name=name)
        yield {"setting": name, "seconds": time.process_time() - begun, **quality(image)}


def sart(degrees, sinogram, options, clip=None):
    for relaxation in RELAXATIONS:
        image, begun = None, time.process_time()
        for number in range(1, PASSES + 1):
            image = iradon_sart(
                sinogram, theta=degrees, image=image, relaxation=relaxation, clip=clip
            )
            seconds = time.process_time() - begun
            if number <= 10 or number % 10 == 0:
                yield {"setting": f"{relaxation} x {number}", "seconds": seconds, **quality(image)}


def fit(degrees, sinogram, encoder, setting):
    X, pixels = lines(degrees)
    begun = time.process_time()
    with single_thread():
        encoder.fit(X, sinogram.ravel())
    seconds = time.process_time() - begun
    image = encoder.field_at(pixels).reshape(SIDE, SIDE)
    yield {
        "setting": f"{setting}: {' '.join(encoder.activations_)}",
        "seconds": seconds,
        "meets": encoder.score(X, sinogram.ravel()),
        **quality(image),
    }


def encoder_of(options, search=None, **known):
    return MIREncoder(
        search=search,
        trainer=Trainer(learning_rate=options.rate, batch_size=options.batch or "auto"),
        measurement=LineIntegrals(n_nodes=options.nodes, **known),
        hidden_width=options.width,
        max_epochs=options.epochs,
        random_state=0,
    )


def settings(options):
    about = f"{options.width} units, {options.nodes} nodes, {options.epochs} epochs"
    return f"{about}, rate {options.rate:g}, batch {options.batch or 'auto'}"


def fixed(degrees, sinogram, options):
    search = FixedSequence(options.atom, n_layers=3)
    yield from fit(degrees, sinogram, encoder_of(options, search), settings(options))


def searched(degrees, sinogram, options):
    yield from fit(degrees, sinogram, encoder_of(options), settings(options))


def bounded(degrees, sinogram, options):
    encoder = encoder_of(options, nonnegative=True)
    yield from fit(degrees, sinogram, encoder, settings(options))


def clipped(degrees, sinogram, options):
    yield from sart(degrees, sinogram, options, clip=(0, np.inf))


METHODS = {
    "fbp": fbp,
    "sart": sart,
    "clipped": clipped,
    "fixed": fixed,
    "search": searched,
    "bounded": bounded,
}
SKMIRE = ("fixed", "search", "bounded")


def report(rows):
    rows = [{**row, "psnr": float(row["psnr"])} for row in rows]
    for case in dict.fromkeys((row["angles"], row["noise"]) for row in rows):
        here = [row for row in rows if (row["angles"], row["noise"]) == case]
        print(f"\n{case[0]} angles, noise {float(case[1]):.0%}{'PSNR':>31}{'SSIM':>7}{'s':>9}")
        of = {name: [row for row in here if row["method"] == name] for name in METHODS}
        for name, some in (
            ("FBP, best filter", of["fbp"]),
            ("SART, one pass", [r for r in of["sart"] if r["setting"] == "0.15 x 1"]),
            ("SART, two passes", [r for r in of["sart"] if r["setting"] == "0.15 x 2"]),
            ("SART, best pass", of["sart"]),
            ("SART clipped, two passes", [r for r in of["clipped"] if r["setting"] == "0.15 x 2"]),
            ("SART clipped, best pass", of["clipped"]),
            *((f"skmire, {kind}", [row]) for kind in SKMIRE for row in of[kind]),
        ):
            if some:
                best = max(some, key=lambda r: r["psnr"])
                print(
                    f"  {name:46}{best['psnr']:6.2f}{float(best['ssim']):7.3f}"
                    f"{float(best['seconds']):9.1f}   {best['setting']}"
                )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--csv", type=Path, default=Path(__file__).with_suffix(".csv"))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--angles", nargs="+", type=int, default=[60, 30, 15])
    parser.add_argument("--noises", nargs="+", type=float, default=[0.0, 0.02])
    parser.add_argument("--atom", default="gaussian")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--nodes", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=0, help="0 is the trainer's own")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    print(
        *(f"{name} {version(name)}" for name in ("torch", "numpy", "scikit-image")),
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores",
        sep=", ",
    )
    if not options.report:
        for n_angles in options.angles:
            for noise in options.noises:
                measure(options, n_angles, noise)
    report(read(options.csv))


def measure(options, n_angles, noise):
    degrees, sinogram = projections(n_angles, noise)
    for name in options.methods:
        about = settings(options) if name in SKMIRE else ""
        if any(
            (int(row["angles"]), float(row["noise"]), row["method"]) == (n_angles, noise, name)
            and row["setting"].startswith(about)
            for row in read(options.csv)
        ):
            continue
        found = [
            [n_angles, noise, name, *(row.get(column, "") for column in COLUMNS[3:])]
            for row in METHODS[name](degrees, sinogram, options)
        ]
        append(options.csv, COLUMNS, *found)


if __name__ == "__main__":
    main()
