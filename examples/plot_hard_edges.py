"""
Hard edges, and where they are missed
=====================================

An edge has frequencies without end, and every network has some that it is slow to learn. Where
the errors of a fit lie shows which.
"""

# %%
# The samples
# -----------
# Bars that narrow to a pixel, and text, in black and white.

import matplotlib.pyplot as plt
import numpy as np

from skmire import FixedSequence, LayerSearch, MIREncoder
from skmire.datasets import grid_samples, text_mask
from skmire.metrics import psnr

height, width = 48, 72
steps = np.geomspace(width / 10, 1, width)
bars = np.cumsum(1 / steps) % 2 < 1
text = text_mask((height // 2, width), font_size=(10, 18), random_state=1)
truth = np.concatenate([np.tile(bars, (height // 2, 1)), text]).astype(float)
coords, values = grid_samples(truth)

# %%
# The fits
# --------
# Networks of one atom, at scales matched to the image, and a search that is judged by the pixels
# themselves, as nothing is asked between them. Each network trains for 30 passes; the search makes
# many more until it has found the one that it returns.

size = {"hidden_width": 64, "max_epochs": 30, "random_state": 0}
search = MIREncoder(search=LayerSearch(selection="train"), **size).fit(coords, values)
fits = {"-".join(search.activations_): search}
for atom in ("sinusoid", "gaussian", "gabor", "relu"):
    fits[atom] = MIREncoder(search=FixedSequence(atom), **size).fit(coords, values)
search.search_result_.total_epochs

# %%
# Errors
# ------
# Black where a fit meets the image, white where it is off by a fifth or more. The first is the
# search's. Rectified linear units, without an encoding before them, learn what changes slowly.

figure, axes = plt.subplots(2, 3, figsize=(11, 5.6), layout="constrained")
axes[0, 0].imshow(truth, cmap="gray")
axes[0, 0].set_title("the image", fontsize=9)
for ax, (name, fit) in zip(axes.flat[1:], fits.items(), strict=True):
    found = fit.predict(coords).reshape(truth.shape)
    ax.imshow(abs(found - truth), cmap="gray", vmin=0, vmax=0.2)
    ax.set_title(f"{name}\n{psnr(truth, found, data_range=1.0):.1f} dB", fontsize=9)
for ax in axes.flat:
    ax.set_axis_off()
