"""
A photograph without its noise
==============================

A fit that meets every sample meets the noise as well. By default a search judges above all by
samples held out, whose noise nothing can foretell: it keeps to scales, and to epochs, that meet the
signal.
"""

# %%
# The samples
# -----------
# A part of scikit-image's *astronaut*, 64 pixels a side, with Gaussian noise of a tenth of the
# range.

import matplotlib.pyplot as plt
import numpy as np
from skimage.restoration import denoise_tv_chambolle

from skmire import LayerSearch, MIREncoder
from skmire.datasets import grid_samples, load_image
from skmire.metrics import psnr

truth = load_image(max_side=170)[5:69, 43:107]
noisy = truth + 0.1 * np.random.default_rng(0).standard_normal(truth.shape)
coords, values = grid_samples(noisy)

# %%
# Two searches, and a filter
# --------------------------
# The second one looks only at the samples it is given, which is to say at the noise too. The filter
# minimises total variation.

size = {"hidden_width": 64, "max_epochs": 20, "random_state": 0}
default = MIREncoder(**size).fit(coords, values)
train = MIREncoder(search=LayerSearch(selection="train"), **size).fit(coords, values)
pictures = {
    "the photograph": truth,
    "with noise": noisy,
    "total variation": denoise_tv_chambolle(noisy, weight=0.1, channel_axis=-1),
    "skmire": default.predict(coords).reshape(truth.shape),
    "skmire, by the samples": train.predict(coords).reshape(truth.shape),
}

# %%
# What they make of it
# --------------------
# PSNR in dB against the photograph.

figure, axes = plt.subplots(1, 5, figsize=(13, 3.2), layout="constrained")
for ax, (name, picture) in zip(axes, pictures.items(), strict=True):
    ax.imshow(np.clip(picture, 0, 1))
    ax.set_axis_off()
    quality = "" if picture is truth else f"{psnr(truth, picture, data_range=1.0):.1f} dB"
    ax.set_title(f"{name}\n{quality}", fontsize=9)
