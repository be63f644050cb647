"""Heights from slopes: fits of derivatives beside the least-squares solution of the same data.

The photograph of a camera man that scikit-image has, as means of 8 x 8 pixels (64 x 64), from the
differences of neighbours along each axis; and a terrain near Jacksboro, 64 x 64 posts, every third
of the grid, in metres. As they are, and with an error of 5 % of the differences' standard
deviation, axis by axis.

The Poisson solution is the grid whose differences are nearest to the given ones in the least
squares sense, with free ends, by cosine transforms. It knows the very differences and is exact
where they have no error. skmire is given both differences at the middle of each square of
neighbours, means of its two sides: the derivatives there, as one who measures slopes would have
them. The Poisson solution of these means stands beside, by sparse least squares.

Constants are not told by slopes: means are taken off on all sides. PSNR by the range of the values,
over all pixels; the fit is also asked between them, which a grid has no answer to. ``fixed`` are
three layers of one atom at matched scales, ``search`` is ``MIREncoder(measurement=GradientValues(),
random_state=0)``, of the units and epochs that the options say. Seconds are processor time on one
thread.

    SKMIRE_DATA=... python benchmarks/gradient_domain.py [--width 128] [--epochs 60] [--search]
"""

import argparse
import os
import platform
import time
from importlib.metadata import version

import numpy as np
from real_signals import averaged, folder
from scipy.fft import dctn, idctn
from scipy.sparse import diags, kron, vstack
from scipy.sparse.linalg import lsqr

from skmire import FixedSequence, MIREncoder
from skmire.measurements import GradientValues
from skmire.metrics import psnr
from skmire.search import single_thread

SIDE = 64


def camera():
    from skimage import data

    return averaged(data.camera() / 255, 8)[..., 0]


def terrain():
    with np.load(folder() / "dem" / "jacksboro_fault_dem.npz") as file:
        return file["elevation"][: 3 * SIDE : 3, : 3 * SIDE : 3].astype(float)


def differences(image, noise):
    """Return differences of neighbours, down and across."""
    rng = np.random.default_rng(0)
    clean = [np.diff(image, axis=axis) for axis in (0, 1)]
    return [part + noise * part.std() * rng.normal(size=part.shape) for part in clean]


def poisson(down, across):
    """Return the grid of mean 0 with the nearest differences.

    Its normal equations are Poisson's with free ends, which cosines solve: Simchony, Chellappa and
    Shao, Direct analytical methods for solving Poisson equations in computer vision problems, 1990.
    """
    divergence = np.zeros((SIDE, SIDE))
    divergence[:-1] -= down
    divergence[1:] += down
    divergence[:, :-1] -= across
    divergence[:, 1:] += across
    waves = 2 - 2 * np.cos(np.pi * np.arange(SIDE) / SIDE)
    eigenvalues = waves[:, None] + waves
    eigenvalues[0, 0] = 1.0
    found = dctn(divergence, norm="ortho") / eigenvalues
    found[0, 0] = 0.0
    return idctn(found, norm="ortho")


def middles(down, across):
    """Return places and derivatives at the middle of each square of neighbours."""
    slopes = [(down[:, 1:] + down[:, :-1]) / 2, (across[1:] + across[:-1]) / 2]
    axis = np.arange(SIDE - 1) + 0.5
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    return places, np.stack(slopes, axis=-1).reshape(-1, 2)


def least_squares(slopes):
    """Return the grid of least norm whose means of differences are nearest to the slopes."""
    differ = diags([-1.0, 1.0], [0, 1], shape=(SIDE - 1, SIDE))
    mean = diags([0.5, 0.5], [0, 1], shape=(SIDE - 1, SIDE))
    system = vstack([kron(differ, mean), kron(mean, differ)])
    found = lsqr(system, slopes.T.ravel(), atol=1e-10, btol=1e-10, iter_lim=4000)[0]
    return (found - found.mean()).reshape(SIDE, SIDE)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--atoms", nargs="*", default=["gaussian", "sinusoid"])
    parser.add_argument("--search", action="store_true")
    options = parser.parse_args()
    print(
        *(f"{name} {version(name)}" for name in ("torch", "numpy", "scipy")),
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, seed 0",
        sep=", ",
    )
    print(f"skmire: {options.width} units, {options.epochs} epochs\n")
    print(f"{'':46}{'PSNR':>8}{'R2 of slopes':>14}{'s':>8}")
    for label, image in (("camera", camera()), ("terrain", terrain())):
        wanted = image - image.mean()
        for noise in (0.0, 0.05):
            print(f"{label}, noise {noise:.0%}")
            down, across = differences(image, noise)
            places, slopes = middles(down, across)
            pixels = np.stack(np.mgrid[:SIDE, :SIDE], axis=-1).reshape(-1, 2)
            span = float(np.ptp(image))

            def say(name, found, seconds, score=np.nan, *, wanted=wanted, span=span):
                found = found - found.mean()
                quality = psnr(wanted, found, data_range=span)
                print(f"  {name:44}{quality:8.2f}{score:14.4f}{seconds:8.1f}", flush=True)

            begun = time.process_time()
            found = poisson(down, across)
            say("Poisson, of the differences", found, time.process_time() - begun)
            begun = time.process_time()
            found = least_squares(slopes)
            say("least squares, of the means", found, time.process_time() - begun)
            fits = {f"fixed, {atom}": FixedSequence(atom, n_layers=3) for atom in options.atoms}
            if options.search:
                fits["search"] = None
            for name, search in fits.items():
                encoder = MIREncoder(
                    search=search, measurement=GradientValues(), hidden_width=options.width,
                    max_epochs=options.epochs, random_state=0,
                )  # fmt: skip
                begun = time.process_time()
                with single_thread():
                    encoder.fit(places, slopes)
                seconds = time.process_time() - begun
                found = encoder.field_at(pixels).reshape(SIDE, SIDE)
                about = "" if search else f": {' '.join(encoder.activations_)}"
                say(name + about, found, seconds, encoder.score(places, slopes))


if __name__ == "__main__":
    main()
