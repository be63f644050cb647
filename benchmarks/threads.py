"""Seconds of a small fit, by threads, alone and beside busy processes; ``docs/faq.rst`` quotes it.

Seeded; times depend on the machine, which is named, and on what else runs on it.

    python benchmarks/threads.py
"""

import os
import subprocess
import sys

import torch
from size_and_time import SEEDS, machine, timed, waves

from skmire import FixedSequence, MIREncoder

CORES = os.cpu_count() or 1


def main():
    machine()
    print("\nSeconds of a fit: FixedSequence, 3 layers, width 64, 100 epochs, 700 samples")
    print("busy processes beside  threads  " + "  ".join(f"seed {seed}" for seed in SEEDS))
    for busy in (0, CORES):
        beside = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
        try:
            for threads in sorted({1, CORES}):
                torch.set_num_threads(threads)
                taken = "  ".join(f"{seconds(seed):6.1f}" for seed in SEEDS)
                print(f"{busy:21}  {threads:7}  {taken}", flush=True)
        finally:
            for process in beside:
                process.kill()
                process.wait()


def seconds(seed):
    encoder = MIREncoder(
        search=FixedSequence("gaussian"),
        hidden_width=64,
        max_epochs=100,
        device="cpu",
        random_state=seed,
    )
    X, y = waves(700, seed)
    return timed(lambda: encoder.fit(X, y))[1]


if __name__ == "__main__":
    main()
