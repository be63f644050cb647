"""How long a fit takes, how fast queries are, how big files are, and when not to use skmire.

Prints the tables that ``docs/faq.rst`` quotes. Seeded; times depend on the machine, which is named.

    python benchmarks/size_and_time.py
"""

import os
import platform
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import skops.io
import torch
from scipy.interpolate import RBFInterpolator
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.metrics import r2_score
from sklearn.neighbors import KNeighborsRegressor

from skmire import FixedSequence, MIREncoder
from skmire.atoms import Gaussian

SEEDS = (0, 1, 2)


def main():
    machine()
    fit_times()
    query_rates()
    file_sizes()
    few_smooth_samples(noise=0.0)
    few_smooth_samples(noise=0.05)
    starting_scales()
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")


def machine():
    packages = ("skmire", "torch", "scikit-learn", "scipy", "numpy", "skops", "joblib")
    print(f"machine   {platform.machine()}, {cpu()}, {os.cpu_count()} cores")
    print(f"threads   {torch.get_num_threads()}; load at the start {os.getloadavg()[0]:.1f}")
    print(f"python    {platform.python_version()} on {platform.system()}")
    print("packages ", ", ".join(f"{p} {version(p)}" for p in packages))
    print("seeds    ", *SEEDS)


def cpu():
    info = Path("/proc/cpuinfo")
    named = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in named if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unnamed processor"


def title(text):
    print(f"\n{text}\n{'-' * len(text)}")


def waves(n, seed=0):
    """Return n scattered samples of a function of two coordinates."""
    X = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    return X, np.sin(6 * X[:, 0]) * np.cos(9 * X[:, 1] + 2 * X[:, 0])


def timed(action):
    begun = time.perf_counter()
    result = action()
    return result, time.perf_counter() - begun


def fit_times():
    title("Seconds of a fit: the default search, 3 layers, 60 epochs")
    print("samples  width  n_jobs  seconds  networks")
    small_fit(hidden_width=64)  # the first fit of a process also loads things
    rows = [(n, width, None) for width in (64, 256) for n in (1_000, 10_000, 50_000)]
    for n, width, jobs in [*rows, (10_000, 256, -1)]:
        X, y = waves(n)
        encoder = MIREncoder(hidden_width=width, n_jobs=jobs, device="cpu", random_state=0)
        _, seconds = timed(lambda encoder=encoder, X=X, y=y: encoder.fit(X, y))
        networks = len(encoder.search_result_.trace)
        print(f"{n:7}  {width:5}  {jobs!s:>6}  {seconds:7.1f}  {networks:8}")


def query_rates():
    title("Points a second: Gaussian atoms, 3 layers, 1 output, best of 3")
    print("width   predict  gradient")
    points, _ = waves(100_000, seed=1)
    for width in (64, 256):
        encoder = small_fit(hidden_width=width)
        rates = [
            len(points) / min(timed(lambda query=query: query(points))[1] for _ in range(3))
            for query in (encoder.predict, encoder.gradient)
        ]
        print(f"{width:5}  {rates[0]:8.0f}  {rates[1]:8.0f}")


def small_fit(n_layers=3, *, hidden_width):
    X, y = waves(256)
    search = FixedSequence("gaussian", n_layers)
    return MIREncoder(
        search=search, hidden_width=hidden_width, max_epochs=4, device="cpu", random_state=0
    ).fit(X, y)


def file_sizes():
    title("Size of a fitted encoder: 2 coordinates, 1 output, float32")
    print("layers  width  parameters  in memory  joblib file  skops file  (kB)")
    for n_layers, width in [(1, 256), (2, 256), (3, 64), (3, 128), (3, 256), (3, 512), (4, 256)]:
        report_size(str(n_layers), small_fit(n_layers, hidden_width=width), width)
    X, y = waves(256)
    searched = MIREncoder(max_epochs=4, device="cpu", random_state=0).fit(X, y)
    report_size("search", searched, 256)
    print("search: the default search over 3 layers, with the trace of its candidates")


def report_size(name, encoder, width):
    n = encoder.network_.n_parameters
    memory = sum(p.nbytes for p in encoder.network_.parameters())
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, "encoder.joblib"), Path(folder, "encoder.skops")]
        joblib.dump(encoder, files[0])
        skops.io.dump(encoder, files[1])
        sizes = [file.stat().st_size / 1e3 for file in files]
    print(f"{name:>6}  {width:5}  {n:10}  {memory / 1e3:9.0f}  {sizes[0]:11.0f}  {sizes[1]:10.0f}")


def franke(X):
    """Return Franke's test function on the unit square, and its gradient."""
    u, v = 9 * X[:, 0], 9 * X[:, 1]
    bells = [
        (0.75, -((u - 2) ** 2 + (v - 2) ** 2) / 4, -(u - 2) / 2, -(v - 2) / 2),
        (0.75, -((u + 1) ** 2) / 49 - (v + 1) / 10, -2 * (u + 1) / 49, -0.1 + 0 * v),
        (0.5, -((u - 7) ** 2 + (v - 3) ** 2) / 4, -(u - 7) / 2, -(v - 3) / 2),
        (-0.2, -((u - 4) ** 2) - (v - 7) ** 2, -2 * (u - 4), -2 * (v - 7)),
    ]
    values = sum(a * np.exp(e) for a, e, _, _ in bells)
    slopes = [9 * sum(b[0] * np.exp(b[1]) * b[k] for b in bells) for k in (2, 3)]
    return values, np.stack(slopes, axis=1)


def differences(predict, X, step=1e-4):
    """Return the gradient of `predict` by central differences."""
    steps = step * np.eye(2)
    return np.stack([(predict(X + s) - predict(X - s)) / (2 * step) for s in steps], axis=1)


def few_smooth_samples(noise):
    kind = f"with noise of sd {noise}" if noise else "without noise"
    title(f"When not: 200 scattered samples of Franke's function {kind}, 2000 fresh points")
    print("R2 of values and of gradients, mean of the seeds (lowest); seconds to fit")
    for name, fit in models().items():
        values, slopes, seconds = [], [], []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            X, fresh = rng.uniform(0, 1, (200, 2)), rng.uniform(0, 1, (2_000, 2))
            y = franke(X)[0] + rng.normal(0, noise, 200)
            (predict, gradient), taken = timed(lambda X=X, y=y, fit=fit, seed=seed: fit(X, y, seed))
            truth, truth_slopes = franke(fresh)
            values.append(r2_score(truth, predict(fresh)))
            slopes.append(r2_score(truth_slopes.ravel(), gradient(fresh).ravel()))
            seconds.append(taken)
        print(
            f"{name:28}  values {np.mean(values):7.4f} ({min(values):7.4f})  "
            f"gradients {np.mean(slopes):8.3f} ({min(slopes):8.3f})  {np.mean(seconds):6.2f} s"
        )


def models():
    """Return functions from samples and a seed to a fit's values and gradients."""

    def ours(X, y, seed):
        encoder = MIREncoder(device="cpu", random_state=seed).fit(X, y)
        return encoder.predict, encoder.gradient

    def theirs(make):
        def fit(X, y, seed):
            predict = make(X, y, seed)
            return predict, lambda X: differences(predict, X)

        return fit

    def process(X, y, seed):
        kernel = ConstantKernel() * RBF(0.3, (1e-2, 1e1)) + WhiteKernel(1e-4, (1e-9, 1.0))
        regressor = GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed)
        with warnings.catch_warnings():  # without noise, the noise ends at its bound, as it should
            warnings.simplefilter("ignore", ConvergenceWarning)
            return regressor.fit(X, y).predict

    return {
        "MIREncoder()": ours,
        "scipy RBFInterpolator()": theirs(lambda X, y, seed: RBFInterpolator(X, y)),
        "GaussianProcessRegressor": theirs(process),
        "KNeighborsRegressor": theirs(
            lambda X, y, seed: KNeighborsRegressor(weights="distance").fit(X, y).predict
        ),
    }


def starting_scales():
    title("Scale: 3 layers of Gaussian(scale=...), 200 samples of Franke's function")
    print("scale  R2 on the samples  R2 on fresh points  R2 of gradients   (mean of the seeds)")
    for scale in (0.5, 1.0, 2.0, 5.0, 10.0, 30.0):
        scores = []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            X, fresh = rng.uniform(0, 1, (200, 2)), rng.uniform(0, 1, (2_000, 2))
            search = FixedSequence(Gaussian(scale=scale))
            encoder = MIREncoder(search=search, device="cpu", random_state=seed)
            encoder.fit(X, franke(X)[0])
            truth, slopes = franke(fresh)
            scores.append(
                [
                    encoder.score(X, franke(X)[0]),
                    r2_score(truth, encoder.predict(fresh)),
                    r2_score(slopes.ravel(), encoder.gradient(fresh).ravel()),
                ]
            )
        means = np.mean(scores, axis=0)
        print(f"{scale:5}  {means[0]:17.4f}  {means[1]:18.4f}  {means[2]:15.3f}")


if __name__ == "__main__":
    main()
