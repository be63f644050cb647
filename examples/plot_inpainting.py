"""
A text taken off a photograph
=============================

Pixels under a text are left out of the samples, and the fit is asked for all. It is compared with
the biharmonic equation, a classical way to fill gaps, and with a search that looks only at the
samples it is given.
"""

# %%
# The samples
# -----------
# A part of scikit-image's *chelsea*, 64 pixels a side, under letters of random sizes.

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import chelsea
from skimage.restoration import inpaint_biharmonic
from skimage.transform import downscale_local_mean

from skmire import LayerSearch, MIREncoder
from skmire.datasets import grid_samples, text_mask
from skmire.metrics import psnr

truth = downscale_local_mean(chelsea()[40:232, 100:292] / 255, (3, 3, 1))
visible = text_mask(truth.shape[:2], font_size=(8, 14), random_state=0)
coords, values = grid_samples(truth)
shown = visible.ravel()
f"{1 - visible.mean():.0%} hidden"

# %%
# Two searches
# ------------
# By default a part of the samples is held out to judge by, so that scales are chosen by what lies
# between the samples. With ``selection="train"`` the samples themselves decide.

size = {"hidden_width": 64, "max_epochs": 30, "random_state": 0}
held_out = MIREncoder(**size).fit(coords[shown], values[shown])
train = MIREncoder(search=LayerSearch(selection="train"), **size).fit(coords[shown], values[shown])
held_out.activations_, train.activations_

# %%
# What they make of it
# --------------------
# PSNR in dB, of the pixels fitted and of those under the text. Judged by the samples, a search
# takes scales at which the fit swings between them. On gaps this thin the biharmonic equation is
# hard to beat; it has no value but at the pixels.

pictures = {
    "the photograph": truth,
    "what is fitted": np.where(visible[..., None], truth, 1.0),
    "biharmonic": inpaint_biharmonic(truth, ~visible, channel_axis=-1),
    "skmire": held_out.predict(coords).reshape(truth.shape),
    "skmire, by the samples": train.predict(coords).reshape(truth.shape),
}
figure, axes = plt.subplots(1, 5, figsize=(13, 3.2), layout="constrained")
for ax, (name, picture) in zip(axes, pictures.items(), strict=True):
    ax.imshow(np.clip(picture, 0, 1))
    ax.set_axis_off()
    ax.set_title(f"{name}\n", fontsize=9)
    if name not in ("the photograph", "what is fitted"):
        hidden = psnr(truth[~visible], picture[~visible], data_range=1.0)
        fitted = psnr(truth[visible], picture[visible], data_range=1.0)
        told = "as they are" if np.isinf(fitted) else f"{fitted:.1f} fitted"
        ax.set_title(f"{name}\n{told}, {hidden:.1f} hidden", fontsize=9)
