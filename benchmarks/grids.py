"""Gaps of gridded fields filled, and coarse ones made finer: GridEncoder beside what there is.

Five real fields, thinned to `--side` cells along each horizontal dimension. Hidden are three cells
in ten: one by one (``random``), as discs (``clouds``) or as slanting bands (``tracks``); or all but
every second or fourth cell along latitude and longitude (``x2``, ``x4``). skmire is
``GridEncoder(random_state=seed)`` and nothing else; "skmire, mean of 4" is that with
``EnsembleSearch()``, four networks of the sequence found; "skmire, blocks" that with
``block_shape="gaps"``, which is judged by blocks held out and not by single cells. Beside them:
xarray's ``interpolate_na`` (along both dimensions, the mean of the two, the nearest known cell
where both have none) and, of thinned grids, ``interp`` (linear and cubic); scipy's ``griddata`` and
``RBFInterpolator`` (thin plates, 50 neighbours); verde's ``Spline`` and ``KNeighbors``;
scikit-learn's Gaussian process (anisotropic RBF and noise, tuned by its likelihood) up to 2,000
known cells. For all but xarray, coordinates are scaled to their extent, but for a second
``RBFInterpolator``, to which every cell is of length 1. Of the field with time, skmire fits all
times together, and the others go time by time.

RMSE and worst error on the hidden cells that are known in truth, in the unit of the field;
processor seconds on the threads that the environment allows; megabytes by which the peak of the
memory of a process of its own grew. A row of the CSV is written as soon as it is measured; what the
file holds is not measured again.

    SKMIRE_DATA=... python benchmarks/grids.py [--side 49] [--csv benchmarks/grids.csv]
    python benchmarks/grids.py --report
"""

import argparse
import multiprocessing
import os
import platform
import resource
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import xarray as xr
from real_signals import folder
from records import append, read
from scipy.interpolate import NearestNDInterpolator, RBFInterpolator, griddata
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from skmire import EnsembleSearch, MIREncoder
from skmire.grids import GridEncoder

COLUMNS = (
    "field", "task", "method", "side", "seed", "known", "hidden", "rmse", "worst", "seconds",
    "megabytes", "note",
)  # fmt: skip
TASKS = ("random", "clouds", "tracks", "x2", "x4")
HIDDEN = 0.3
MOST_OF_GPR = 2_000


# -- fields ----------------------------------------------------------------------------------------


def opened(name):
    with xr.open_dataset(folder() / "grids" / f"{name}.nc", decode_times=False) as grid:
        largest = max(grid.data_vars.values(), key=lambda v: v.size)
        return largest.astype(float).rename(latitude="lat", longitude="lon").load()


def ridge():
    with np.load(folder() / "dem" / "jacksboro_fault_dem.npz") as file:
        values = file["elevation"].astype(float)
        lat, lon = (
            np.linspace(file[f"{axis}min"], file[f"{axis}max"], size)
            for axis, size in zip("yx", values.shape, strict=True)
        )
    data = xr.DataArray(values, {"lat": lat, "lon": lon}, ("lat", "lon"))
    return data.sortby("lat")  # from south to north, as interpolate_na asks


def sea_floor():
    with np.load(folder() / "dem" / "topobathy.npz") as file:
        lat, lon = file["latitude"].astype(float), file["longitude"].astype(float)
        return xr.DataArray(file["topo"].astype(float), {"lat": lat, "lon": lon}, ("lat", "lon"))


FIELDS = {
    "air temperature": lambda: opened("A1B_north_america").isel(time=0, drop=True),
    "sea temperature": lambda: opened("ostia_monthly").isel(time=0, drop=True),
    "sea anomaly": lambda: opened("sst_ndjfm_anom").isel(time=slice(0, 6)),
    "ridge": ridge,
    "sea floor": sea_floor,
}


def field(name, side):
    """Return a field thinned to about `side` cells a dimension, 4 k + 1 of them."""
    data = FIELDS[name]()
    for dim in ("lat", "lon"):
        step = -(-data.sizes[dim] // (side + 3))
        thinned = data.isel({dim: slice(None, None, step)})
        data = thinned.isel({dim: slice(0, (thinned.sizes[dim] - 1) // 4 * 4 + 1)})
    return data


def step_of(data):
    """Return the root mean square step between neighbours, 1 if they know nothing of each other."""
    steps = np.concatenate([data.diff(dim).values.ravel() for dim in ("lat", "lon")])
    return np.sqrt(np.nanmean(steps**2) / 2) / np.nanstd(data.values)


def hidden(data, task, seed):
    """Return which cells are hidden."""
    rng = np.random.default_rng(seed)
    shape = {dim: data.sizes[dim] for dim in ("lat", "lon")}
    y, x = np.meshgrid(*(np.arange(n) for n in shape.values()), indexing="ij")
    if task in ("x2", "x4"):
        gone = (y % int(task[1]) > 0) | (x % int(task[1]) > 0)
    elif task == "random":
        gone = rng.random(data.shape) < HIDDEN
        return xr.DataArray(gone, data.coords, data.dims)
    else:
        gone = np.zeros(y.shape, bool)
        while gone.mean() < HIDDEN:
            if task == "clouds":
                at, radius = rng.uniform(0, y.shape), rng.uniform(0.04, 0.12) * max(y.shape)
                gone |= np.hypot(y - at[0], x - at[1]) < radius
            else:
                slope, at = rng.choice([-1, 1]) * rng.uniform(0.3, 0.8), rng.uniform(0, y.shape[1])
                width = rng.uniform(0.02, 0.05) * y.shape[1]
                gone |= abs(x - at - slope * (y - y.mean())) < width
    return xr.DataArray(gone, {d: data[d] for d in shape}, list(shape)).broadcast_like(data)


# -- methods: from a field with gaps, and the step of what is known, to a field without ------------


def ours(search=None, **options):
    def answer(data, step, seed):
        inside = MIREncoder(search=search, random_state=seed)
        encoder = GridEncoder(inside, random_state=seed, **options)
        if step:
            if options:
                raise NotImplementedError("of gaps only")
            return encoder.fit(data[..., ::step, ::step]).interp_like(data)
        return data.mire.fill_gaps(encoder)

    return answer


def interpolate_na(data, step, seed):
    parts = [data.interpolate_na(dim, use_coordinate=True) for dim in ("lat", "lon")]
    mean = xr.concat(parts, "both").mean("both")
    places, values, wanted = tables(data)
    nearest = data.copy(data=NearestNDInterpolator(places, values)(wanted).reshape(data.shape))
    return mean.fillna(nearest)


def interp(kind):
    def answer(data, step, seed):
        if not step:
            raise NotImplementedError("of thinned grids only")
        known = data[..., ::step, ::step]
        return known.interp(lat=data.lat, lon=data.lon, method=kind)

    return answer


def tables(data, *, by_cells=False):
    """Return the places and values of known cells, and the places of all.

    They are scaled to [-1, 1], or count cells.
    """
    axes = [data[dim].values for dim in data.dims]
    scaled = [
        np.arange(float(len(a))) if by_cells else 2 * (a - a.min()) / np.ptp(a) - 1 for a in axes
    ]
    wanted = np.stack(np.meshgrid(*scaled, indexing="ij"), -1).reshape(-1, data.ndim)
    flat = data.values.ravel()
    known = np.isfinite(flat)
    return wanted[known], flat[known], wanted


def scattered(answer, *, by_cells=False):
    def filled(data, step, seed):
        if "time" in data.dims:
            steps = [filled(data.isel(time=i), step, seed) for i in range(data.sizes["time"])]
            return xr.concat(steps, data.time).transpose(*data.dims)
        places, values, wanted = tables(data, by_cells=by_cells)
        return data.copy(data=answer(places, values, wanted).reshape(data.shape))

    return filled


def by_griddata(kind):
    def answer(places, values, wanted):
        found = griddata(places, values, wanted, method=kind)
        nearest = NearestNDInterpolator(places, values)(wanted)
        return np.where(np.isfinite(found), found, nearest)

    return answer


def by_rbf(places, values, wanted):
    return RBFInterpolator(places, values, neighbors=50)(wanted)


def by_verde(name):
    def answer(places, values, wanted):
        verde = __import__("verde")
        gridder = verde.Spline() if name == "Spline" else verde.KNeighbors(k=4)
        gridder.fit((places[:, 1], places[:, 0]), values)
        return gridder.predict((wanted[:, 1], wanted[:, 0]))

    return answer


def by_gpr(places, values, wanted):
    if len(places) > MOST_OF_GPR:
        raise NotImplementedError(f"more than {MOST_OF_GPR} known cells")
    kernel = ConstantKernel() * RBF(np.full(places.shape[1], 0.2)) + WhiteKernel(1e-3)
    model = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0).fit(places, values)
    return model.predict(wanted)


OURS = {"skmire": ours(), "skmire, mean of 4": ours(EnsembleSearch())}
BLOCKS = "skmire, blocks"
METHODS = {
    **OURS,
    BLOCKS: ours(block_shape="gaps"),
    "interpolate_na": interpolate_na,
    "interp linear": interp("linear"),
    "interp cubic": interp("cubic"),
    "griddata linear": scattered(by_griddata("linear")),
    "griddata cubic": scattered(by_griddata("cubic")),
    "RBFInterpolator": scattered(by_rbf),
    "RBF, by cells": scattered(by_rbf, by_cells=True),
    "verde Spline": scattered(by_verde("Spline")),
    "verde KNeighbors": scattered(by_verde("KNeighbors")),
    "GPR": scattered(by_gpr),
}


def measured(method, data, task, seed, sender):
    """Send the figures of one method: in a process of its own, whose memory is then its own."""
    gone = hidden(data, task, seed)
    begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = METHODS[method](data.where(~gone), int(task[1]) if task[0] == "x" else 0, seed)
    except (NotImplementedError, ImportError, ValueError) as error:
        sender.send({"note": str(error).splitlines()[0][:60]})
        return
    off = abs(found - data).values[gone.values & np.isfinite(data.values)]
    sender.send(
        {
            "known": int((data.where(~gone)).notnull().sum()),
            "hidden": off.size,
            "rmse": np.sqrt(np.mean(off**2)),
            "worst": off.max(),
            "seconds": time.process_time() - begun,
            "megabytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
            "note": "" if np.isfinite(off).all() else f"{np.isnan(off).sum()} without an answer",
        }
    )


def run(method, data, task, seed):
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(
        target=measured, args=(method, data, task, seed, sender)
    )
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return {"note": "the process died"}
    finally:
        process.join()


def figures(found, column):
    """Return one column of a field's rows by method, where there is a figure."""
    errors = {m: float(row[column]) for m, row in found.items() if row[column]}
    return {m: error for m, error in errors.items() if np.isfinite(error)}


def against_others(method, errors):
    """Return the error of one of skmire's, times the lowest of the methods of others."""
    return errors[method] / min(error for m, error in errors.items() if is_of_others(m))


def is_of_others(method):
    return not method.startswith("skmire")


def compare(some, one, other):
    """Print how one method of skmire's does beside another."""
    pairs = [
        [row, some[(*case, other)]]
        for (*case, method), row in some.items()
        if method == one and row["rmse"] and some.get((*case, other), {}).get("rmse")
    ]
    if pairs:
        rmse, seconds = (
            np.array([float(a[column]) / float(b[column]) for a, b in pairs])
            for column in ("rmse", "seconds")
        )
        print(
            f"{one} against {other}: RMSE lower in {(rmse < 1).sum()} of {len(pairs)} cases, "
            f"times {np.median(rmse):.3f} at the median ({rmse.min():.2f} to {rmse.max():.2f}) and "
            f"{np.exp(np.log(rmse).mean()):.3f} on the geometric mean; seconds times "
            f"{np.median(seconds):.2f}"
        )


def report(rows):
    """Print a table of RMSE for each task, and what it comes to."""
    for side, seed in sorted({(row["side"], row["seed"]) for row in rows}):
        some = {
            (r["field"], r["task"], r["method"]): r
            for r in rows
            if (r["side"], r["seed"]) == (side, seed)
        }
        print(f"\nside {side}, seed {seed}")
        compare(some, "skmire, mean of 4", "skmire")
        compare(some, BLOCKS, "skmire")
        if not any(method not in (*OURS, BLOCKS) for _, _, method in some):
            continue
        print("\nRMSE on hidden cells, in the field's unit")
        print("* the lowest; - does not apply; seconds are skmire's two and the best other's\n")
        print(f"{'':24}" + "".join(f"{name:>18}" for name in METHODS) + f"{'seconds':>16}")
        for task in TASKS:
            fields = {
                name: {m: some[name, task, m] for m in METHODS if (name, task, m) in some}
                for name in FIELDS
                if all((name, task, m) in some for m in OURS)
            }
            for name, found in fields.items():
                errors = figures(found, "rmse")
                best = min(errors, key=errors.get)
                other = min(filter(is_of_others, errors), key=errors.get)
                cells = (
                    f"{errors[m]:.4g}{'*' if m == best else ' '}" if m in errors else "- "
                    for m in METHODS
                )
                pace = " / ".join(f"{float(found[m]['seconds']):.2g}" for m in (*OURS, other))
                print(f"{task:7}{name:17}" + "".join(f"{c:>18}" for c in cells) + f"{pace:>16}")
            for method in filter(lambda m: not is_of_others(m), METHODS):
                if not fields or any(not figures(f, "rmse").get(method) for f in fields.values()):
                    continue
                times, worst = (
                    [against_others(method, figures(found, column)) for found in fields.values()]
                    for column in ("rmse", "worst")
                )
                print(
                    f"{task:7}{method}: RMSE below all others on {sum(t < 1 for t in times)} of "
                    f"{len(fields)} fields, worst error on {sum(t < 1 for t in worst)}; RMSE times "
                    f"the lowest of others {', '.join(f'{t:.2f}' for t in times)}"
                )
            print()
        worst = [
            (m, max(float(r["megabytes"]) for r in some.values() if r["method"] == m and r["rmse"]))
            for m in METHODS
            if any(r["method"] == m and r["rmse"] for r in some.values())
        ]
        print("most memory, MB: " + ", ".join(f"{m} {mb:.0f}" for m, mb in worst))
        notes = {(r["method"], r["note"]) for r in some.values() if r["note"]}
        for method, note in sorted(notes):
            print(f"{method}: {note}")
    for task in ("clouds", "tracks"):
        print(f"\n{task}, all seeds")
        every = {
            (r["field"], r["seed"], r["method"]): r
            for r in rows
            if (r["task"], r["side"]) == (task, rows[0]["side"])
        }
        compare(every, BLOCKS, "skmire")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, default=Path("benchmarks/grids.csv"))
    parser.add_argument("--side", type=int, default=49)
    parser.add_argument("--fields", nargs="+", default=list(FIELDS))
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", action="store_true", help="only print what the file holds")
    options = parser.parse_args()

    def installed(name):
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            return f"{name} is not installed, and left out"

    names = ("skmire", "torch", "numpy", "scipy", "scikit-learn", "xarray", "verde")
    print(", ".join(map(installed, names)))
    print(
        f"Python {platform.python_version()}; {platform.machine()}, {os.cpu_count()} cores, "
        f"OMP_NUM_THREADS {os.environ.get('OMP_NUM_THREADS', 'not set')}, load "
        f"{os.getloadavg()[0]:.1f}; seed {options.seed}"
    )
    if not options.report:
        keys = ("field", "task", "method", "side", "seed")
        done = {tuple(row[key] for key in keys) for row in read(options.csv)}
        for name in options.fields:
            data = field(name, options.side)
            for task in options.tasks:
                for method in options.methods:
                    key = (name, task, method, options.side, options.seed)
                    if tuple(map(str, key)) in done:
                        continue
                    row = {
                        **dict(zip(keys, key, strict=True)),
                        **run(method, data, task, options.seed),
                    }
                    append(options.csv, COLUMNS, [row.get(column, "") for column in COLUMNS])
                    print(*key[:3], row.get("rmse", row["note"]), flush=True)
    if os.environ.get("SKMIRE_DATA"):
        told = (f"{name} {step_of(field(name, options.side)):.2f}" for name in FIELDS)
        print(f"steps between neighbours as a share of those between strangers: {', '.join(told)}")
    report(read(options.csv))


if __name__ == "__main__":
    main()
