"""What changes to a training are worth, one at a time, at equal seconds.

Four real signals (``real_signals.py``), two networks each (SIREN and the Gaussian of
``plain_peers.py``), a quarter of the signal's budget. Each change is set against the trainer's
defaults; PSNR in dB on the samples fitted, and on the tenth held out. Two rows are the defaults
again, with another seed each: differences of their size mean nothing.

    SKMIRE_DATA=... python benchmarks/levers.py [--csv benchmarks/levers.csv]
"""

import argparse
import statistics
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from real_signals import SIGNALS
from records import append, read, setting
from time_to_quality import by_skmire, parts

from skmire import Architecture, Trainer
from skmire.metrics import psnr
from skmire.training._run import Run

COLUMNS = ("lever", "signal", "network", "seconds", "psnr", "held_out_psnr")
ON = ("photograph crop", "recording", "photograph", "elevation")
NETWORKS = ("siren", "gauss")
FRACTION = 1 / 4


# -- the last layer, which is linear, in closed form ---------------------------------------------


@torch.no_grad()
def solve_last_layer(field, samples):
    """Put the least-squares solution into the last layer: normal equations in float64."""
    last = field.affines[-1]
    gram = moment = 0
    for start in range(0, len(samples), 4_096):
        block = samples.take(slice(start, start + 4_096))
        features = field.hidden(block.inputs).double()
        features = torch.cat([features, torch.ones_like(features[:, :1])], dim=1)
        gram = gram + features.T @ features
        moment = moment + features.T @ block.targets.double()
    gram.diagonal().add_(1e-12 * gram.diagonal().mean())
    solution = torch.linalg.lstsq(gram, moment, driver="gelsd").solution.float()
    last.weight.copy_(solution[:-1].T)
    last.bias.copy_(solution[-1])


@contextmanager
def last_layer(when):
    """Solve for the last layer at the start, after each epoch, or at the end of each training."""
    train, epoch = Trainer._train, Run.epoch

    def training(self, run, held_out, task):
        if when == "start":
            solve_last_layer(run.field, run.samples)
        result = train(self, run, held_out, task)
        if when == "end":
            solve_last_layer(run.field, run.samples)
        return result

    def one_epoch(self, number):
        losses = epoch(self, number)
        if when == "each epoch":
            solve_last_layer(self.field, self.samples)
        return losses

    with patch.object(Trainer, "_train", training), patch.object(Run, "epoch", one_epoch):
        yield


# -- which samples a step sees -------------------------------------------------------------------


@contextmanager
def importance_sampling():
    """Draw samples by the size of their error, evaluated once an epoch; half of them evenly."""

    def order(self):
        n = len(self.samples)
        sizes = torch.cat(
            [
                (self.sweep.values(part.inputs) - part.targets).abs().sum(1)
                for part in (self.samples.take(slice(i, i + 1_024)) for i in range(0, n, 1_024))
            ]
        )
        chances = sizes.double() / sizes.double().sum() / 2 + 1 / (2 * n)
        return torch.multinomial(chances, n, replacement=True, generator=self.generator)

    with patch.object(Run, "_order", order):
        yield


# -- starts --------------------------------------------------------------------------------------


class Gained(Architecture):
    """Multiply every weight but the last layer's at the start."""

    gain = 1.0

    def build(self, *args, **options):
        network = super().build(*args, **options)
        with torch.no_grad():
            for affine in network.affines[:-1]:
                affine.weight.mul_(self.gain)
        return network


@contextmanager
def architecture(make):
    """Have the networks built by `make`, given how their weights start."""
    with patch("time_to_quality.Architecture", make):
        yield


def gained(gain):
    return lambda init: type("Gained", (Gained,), {"gain": gain})(init)


@contextmanager
def nothing():
    yield


def symmetric_power(y):
    """Return values whose median lies in the middle of their range, and the way back."""
    low, span = y.min(0), np.ptp(y, axis=0)
    middle = np.clip((np.median(y, axis=0) - low) / span, 0.05, 0.95)
    gamma = np.clip(np.log(0.5) / np.log(middle), 0.25, 4)
    there = ((y - low) / span) ** gamma
    return there, lambda z: np.clip(z, 0, None) ** (1 / gamma) * span + low


LEVERS = {
    "defaults": {},
    "defaults, seed 1": {"seed": 1},
    "defaults, seed 2": {"seed": 2},
    "Adam, 3e-3, batches of 2,048": {"trainer": Trainer(learning_rate=3e-3, batch_size=2_048)},
    "SOAP, 3e-3, batches of 2,048": {
        "trainer": Trainer("soap", 3e-3, batch_size=2_048)
    },
    "Muon, 3e-3, batches of 2,048": {
        "trainer": Trainer("muon", 3e-3, batch_size=2_048)
    },
    "learning rate 5e-4": {"trainer": Trainer(learning_rate=5e-4)},
    "learning rate 2e-3": {"trainer": Trainer(learning_rate=2e-3)},
    "step size falls to a tenth": {"trainer": Trainer(decay=0.1)},
    "step size falls to a thirtieth": {"trainer": Trainer(decay=0.03)},
    "no cool-down": {"trainer": Trainer(cooldown=0.0)},
    "cool-down of a fifth": {"trainer": Trainer(cooldown=0.2)},
    "last layer left as trained": {"trainer": Trainer(polish=False)},
    "warm-up 5 %": {"trainer": Trainer(warmup=0.05)},
    "batches of 256": {"trainer": Trainer(batch_size=256)},
    "batches of 4,096": {"trainer": Trainer(batch_size=4_096)},
    "last layer solved at the start": {
        "around": lambda: last_layer("start"), "trainer": Trainer(polish=False)
    },
    "last layer solved each epoch": {
        "around": lambda: last_layer("each epoch"), "trainer": Trainer(polish=False)
    },
    "last layer solved at the end, no ridge": {
        "around": lambda: last_layer("end"), "trainer": Trainer(polish=False)
    },
    "samples drawn by their error": {"around": importance_sampling},
    "first biases in [-5, 5]": {
        "around": lambda: architecture(lambda init: Architecture(init, first_bias=5.0))
    },
    "weights x 1.5 at the start": {"around": lambda: architecture(gained(1.5))},
    "weights x 2.5 at the start": {"around": lambda: architecture(gained(2.5))},
    "symmetric power transform": {"power": True},
}  # fmt: skip


def measure(signal, network, *, seed=0, trainer=None, around=nothing, power=False):
    """Return seconds and PSNR on the samples fitted and held out."""
    x, y, x_out, y_out = parts(signal)
    targets, back = symmetric_power(y) if power else (y, lambda z: z)
    with around():
        predict, _, took = by_skmire(
            network, signal, x, targets, SIGNALS[signal][1] * FRACTION, seed, trainer
        )
    span = float(y.max() - y.min())
    return took, *(
        psnr(values, back(predict(coords).reshape(values.shape)), data_range=span)
        for coords, values in ((x, y), (x_out, y_out))
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, default=Path("benchmarks/levers.csv"))
    parser.add_argument("--only", nargs="+", default=list(LEVERS))
    options = parser.parse_args()
    print(f"{setting()}; seed 0\n")
    by_skmire("siren", "topography", *parts("topography")[:2], 1.0, 0)  # loads what loads once
    done = {}
    for lever, signal, network, *figures in map(dict.values, read(options.csv)):
        done[lever, signal, network] = tuple(map(float, figures))
    print(f"{'':39} {'fitted: median (worst, best)':>32} {'held out':>10} {'seconds':>8}")
    for lever in options.only:
        for signal in ON:
            for network in NETWORKS:
                if (lever, signal, network) in done:
                    continue
                figures = measure(signal, network, **LEVERS[lever])
                done[lever, signal, network] = figures
                row = [lever, signal, network, *(round(figure, 3) for figure in figures)]
                append(options.csv, COLUMNS, row)
        pairs = [(done[lever, s, n], done["defaults", s, n]) for s in ON for n in NETWORKS]
        gains = [ours[1] - base[1] for ours, base in pairs]
        out = [ours[2] - base[2] for ours, base in pairs]
        seconds = statistics.median(ours[0] / base[0] for ours, base in pairs)
        print(
            f"{lever:39} {statistics.median(gains):+12.1f} dB ({min(gains):+6.1f}, "
            f"{max(gains):+5.1f}) {statistics.median(out):+7.1f} dB {seconds:7.2f}x",
            flush=True,
        )


if __name__ == "__main__":
    main()
