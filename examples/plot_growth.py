"""
Learning curves, layer by layer
===============================

The paper grows a network: every atom is tried as its only layer, the best is kept, every atom is
tried behind it, and so on. The trace of the search has the curve of every one of them, and
``staged_predict`` what the network of each stage makes of the image.
"""

# %%
# The search
# ----------
# On a part of scikit-image's *astronaut*, 48 pixels a side.

import matplotlib.pyplot as plt
import numpy as np

from skmire import LayerSearch, MIREncoder
from skmire.datasets import grid_samples, load_image
from skmire.metrics import psnr

truth = load_image(max_side=128)[4:52, 36:84]
coords, values = grid_samples(truth)
growth = LayerSearch(mode="growth", epochs=(20, 20, 40))
encoder = MIREncoder(search=growth, hidden_width=64, random_state=0).fit(coords, values)
result = encoder.search_result_
encoder.activations_

# %%
# Total and effective epochs
# --------------------------
# What was trained, and what of it led to the network that is returned. Whoever compares with a
# network that needs no search should give it the first.

result.total_epochs, result.effective_epochs

# %%
# The curves
# ----------
# Losses are of scaled values, the mean over the steps of each epoch. The thick one is that of the
# atom chosen. A layer more starts anew, from fresh weights.

atoms = list(dict.fromkeys(candidate.atom for candidate in result.trace))
figure, axes = plt.subplots(1, 3, figsize=(11, 3.6), sharey=True, layout="constrained")
for candidate in result.trace:
    axes[candidate.layer - 1].semilogy(
        np.arange(1, candidate.epochs + 1),
        candidate.training.curve.mean(axis=1),
        color=f"C{atoms.index(candidate.atom)}",
        lw=3 if candidate.chosen else 1,
        label=candidate.atom.replace("_", " "),
    )
for layer, ax in enumerate(axes, start=1):
    ax.set(title=f"layer {layer}", xlabel="epoch")
axes[0].set_ylabel("loss")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=8)

# %%
# What each stage makes of the image
# ----------------------------------
# One layer, two, three.

pictures = [y.reshape(truth.shape) for y in encoder.staged_predict(coords)]
figure, axes = plt.subplots(1, 4, figsize=(11, 3.3), layout="constrained")
axes[0].imshow(truth)
axes[0].set_title("the photograph\n", fontsize=9)
for layer, (ax, picture) in enumerate(zip(axes[1:], pictures, strict=True), start=1):
    sequence = "-".join(result.networks[layer - 1].sequence[i].name for i in range(layer))
    ax.imshow(np.clip(picture, 0, 1))
    ax.set_title(f"{sequence}\n{psnr(truth, picture, data_range=1.0):.1f} dB", fontsize=8)
for ax in axes:
    ax.set_axis_off()
