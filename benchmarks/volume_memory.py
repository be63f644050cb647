"""Memory of a process that fits, predicts and meshes a volume of 512 voxels a side.

The network is small and little trained, so that its surface is long: memory does not depend on how
good it is, but the mesh's on how many vertices it has.

    python benchmarks/volume_memory.py
"""

import resource
import time

import numpy as np

from skmire import FixedSequence, OccupancyEncoder

SIDE = 512


def gyroid() -> np.ndarray:
    axis = np.linspace(-np.pi, np.pi, SIDE, dtype=np.float32)
    s, c = np.sin(3 * axis), np.cos(3 * axis)
    volume = np.empty((SIDE,) * 3, bool)
    for i in range(SIDE):
        plane = s[i] * c[:, None] + s[:, None] * c[None, :] + s[None, :] * c[i]
        volume[i] = plane > 0
    return volume


def tell(what: str, begun: float) -> None:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{what:45} {most:5.2f} GiB at most, {time.perf_counter() - begun:6.1f} s", flush=True)


if __name__ == "__main__":
    begun = time.perf_counter()
    volume = gyroid()
    tell("the volume", begun)
    encoder = OccupancyEncoder(
        search=FixedSequence("sinusoid", n_layers=2), hidden_width=16, max_epochs=1, random_state=0
    ).fit_volume(volume)
    tell("fit_volume, 1,048,576 samples", begun)
    encoder.predict_volume(volume.shape)
    tell("predict_volume", begun)
    mesh = encoder.to_mesh(volume.shape)
    tell(f"to_mesh, {len(mesh.vertices):,} vertices", begun)
