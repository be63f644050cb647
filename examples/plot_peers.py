"""
One picture, eight networks
===========================

``skmire.peers`` has the networks that others have published, each set up and trained as its
authors say. Here they fit one small photograph, a part of it hidden, beside skmire.
"""

# %%
# The samples
# -----------
# A crop of the astronaut, 48 pixels a side. The pixels under a text are not fitted: a network has
# to fill them in.

import matplotlib.pyplot as plt
import numpy as np

from skmire import MIREncoder, Trainer, peers
from skmire.datasets import grid_samples, load_image, text_mask
from skmire.metrics import psnr

image = load_image(max_side=128)[4:52, 36:84]
visible = text_mask(image.shape[:2], font_size=(9, 14), random_state=0)
coords, values = grid_samples(image)
shown = visible.ravel()
f"{1 - visible.mean():.0%} hidden"

# %%
# skmire
# ------
# Three layers of 64 units. The search tries many networks on the way to the one it returns; all
# their passes over the samples are counted.

size = {"hidden_width": 64, "random_state": 0}
encoder = MIREncoder(max_epochs=12, **size).fit(coords[shown], values[shown])
total = encoder.search_result_.total_epochs
encoder.activations_, total

# %%
# The others
# ----------
# The same size, and as many passes as the whole search. Their authors' recipes are for thousands
# of steps on all samples, so they are trained here as skmire is, in small batches, by
# ``trainer``. INCODE is not among them: it reads the signal as an image, and takes none with
# holes.

options = {"n_layers": 3, "max_epochs": total, "trainer": Trainer(), **size}
networks = {
    "SIREN": peers.siren(**options),
    "Gauss": peers.gauss(**options),
    "WIRE": peers.wire(**options),
    "FINER": peers.finer(**options),
    "GaborNet": peers.mfn("gabor", **options),
    "FourierNet": peers.mfn("fourier", **options),
    "ReLU, encoded": peers.fourier_relu(**options),
}
for network in networks.values():
    network.fit(coords[shown], values[shown])

# %%
# What they make of it
# --------------------
# PSNR in dB, on the pixels fitted and on those under the text. What meets the pixels best need
# not fill the gaps best: at their published scales, most of these networks swing between the
# pixels. SIREN's scale suits this picture. skmire's search, which leaves the network that it
# returns a tenth of the passes, gives away quality on the pixels fitted for what lies between.

figure, axes = plt.subplots(3, 3, figsize=(7.5, 8.4), layout="constrained")
axes[0, 0].imshow(np.where(visible[..., None], image, 1.0))
axes[0, 0].set_title("what is fitted\n", fontsize=9)
for ax, (name, network) in zip(axes.flat[1:], {**networks, "skmire": encoder}.items(), strict=True):
    found = network.predict(coords)
    fitted, filled = (psnr(values[part], found[part], data_range=1.0) for part in (shown, ~shown))
    ax.imshow(np.clip(found.reshape(image.shape), 0, 1))
    ax.set_title(f"{name}\n{fitted:.1f} fitted, {filled:.1f} filled in", fontsize=9)
for ax in axes.flat:
    ax.set_axis_off()

# %%
# One picture of 48 pixels says little of networks that are made for large ones. The user guide
# has their recipes, and what is not as in their authors' code: :doc:`/user_guide/peers`.
