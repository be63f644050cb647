"""
A cloned patch without a seam
=============================

Copied from one photograph into another, a patch shows its border, as its light is another. Its
gradients are not those of light but of things. So gradients are copied, and an image is found
that has them: Poisson editing [1]_. A field fitted to gradients is such an image.

.. [1] Pérez, Gangnet and Blake, Poisson image editing, SIGGRAPH 2003.
"""

# %%
# Two images and a patch
# ----------------------
# Coins on a dark ground, and the surface of the moon, which is brighter. One coin is to lie on the
# moon. Both are scikit-image's.

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from skmire import FixedSequence, MIREncoder
from skmire.measurements import GradientValues

side = 48
coin = data.coins()[19:85, 66:132].astype(float)
coin = coin.reshape(22, 3, 22, 3).mean(axis=(1, 3)) / 255
moon = data.moon()[240:432, 100:292].astype(float)
moon = moon.reshape(side, 4, side, 4).mean(axis=(1, 3)) / 255
corner = 13
patch = slice(corner, corner + len(coin))
pasted = moon.copy()
pasted[patch, patch] = coin

# %%
# Gradients
# ---------
# A difference of neighbours belongs to the middle between them. The mean of the two on either side
# of a square of four pixels belongs to its centre, so that both derivatives are known at one place.


def slopes(image):
    """Return both derivatives at the centres of the squares of four pixels."""
    down, across = np.diff(image, axis=0), np.diff(image, axis=1)
    return np.stack([(down[:, 1:] + down[:, :-1]) / 2, (across[1:] + across[:-1]) / 2], axis=-1)


wanted = slopes(moon)
inside = slice(corner, corner + len(coin) - 1)
wanted[inside, inside] = slopes(coin)
axis = np.arange(side - 1) + 0.5
X = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)

# %%
# The fit
# -------
# ``y`` has the derivative down and the one across. Along the border of the patch the gradients are
# no longer those of any image, and the fit is the field whose derivatives are nearest. That the
# moon should give way less than the coin is said by weights. Derivatives leave a constant
# open, which the moon's mean settles.

weights = np.full((side - 1, side - 1), 5.0)
weights[inside, inside] = 1.0

encoder = MIREncoder(
    search=FixedSequence("gaussian", n_layers=2),
    measurement=GradientValues(),
    hidden_width=96,
    max_epochs=100,
    random_state=0,
).fit(X, wanted.reshape(-1, 2), sample_weight=weights.ravel())

pixels = np.stack(np.mgrid[:side, :side], axis=-1).reshape(-1, 2)
cloned = encoder.field_at(pixels).reshape(side, side)
outside = np.ones((side, side), bool)
outside[patch, patch] = False
constant = (moon - cloned)[outside].mean()
cloned += constant

fine = np.stack(np.meshgrid(*[np.linspace(0, side - 1, 240)] * 2, indexing="ij"), -1)
finer = encoder.field_at(fine.reshape(-1, 2)).reshape(240, 240) + constant

figure, axes = plt.subplots(1, 4, figsize=(12, 3.3), layout="constrained")
for ax, (name, image) in zip(
    axes,
    {
        "moon": moon,
        "pixels pasted": pasted,
        "gradients cloned": cloned,
        "the same field, five times as fine": finer,
    }.items(),
    strict=True,
):
    ax.imshow(image, vmin=0.1, vmax=0.9, cmap="gray")
    ax.set_title(name)
    ax.set_axis_off()

off = (cloned - moon)[outside]
print(f"outside the patch, off by {off.std():.3f}; the moon varies by {moon.std():.3f}")
