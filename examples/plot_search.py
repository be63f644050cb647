"""
What a search decides, and what it is asked
===========================================

A network can meet all samples of a signal and be wrong everywhere between them. Which of the two
matters decides what a search finds. Here every second pixel of a photograph is fitted, both ways,
and the pixels left out say what became of the rest.
"""

# %%
# The samples
# -----------
# The face of scikit-image's astronaut. Of its 64 by 64 pixels every second row and column is given,
# a quarter of them. Coordinates are those of the whole picture, so that the others lie between.

import matplotlib.pyplot as plt
import numpy as np

from skmire import LayerSearch, MIREncoder
from skmire.datasets import grid_samples, load_image
from skmire.display import SearchDisplay
from skmire.metrics import psnr

image = load_image(max_side=256)[20:84, 80:144].mean(axis=-1)
coords, values = grid_samples(image)
given = (coords % 2 == 0).all(axis=1)
given.sum(), len(given)

# %%
# The function between the samples
# --------------------------------
# With ``selection="held_out"`` a fifth of the samples given is set aside while the search goes on,
# and judges. (By default, on a whole grid as this one, the others have a part in that: a fifth.)
# Atoms start at scales that match the bandwidth of the signal, as estimated from the samples.


def encoder(selection):
    """Return an encoder that is small, so that this page is built soon."""
    return MIREncoder(
        ["sinc", "gabor", "gaussian", "sinusoid"],
        LayerSearch(selection=selection),
        hidden_width=64,
        max_epochs=30,
        random_state=0,
        n_jobs=2,
    )


between = encoder("held_out").fit(coords[given], values[given])
between.bandwidth_  # radians per pixel, down and across

# %%
# The picture of the search reads from top to bottom. Each strip is a round, each line in it a
# sequence: ``gabor²-sinc × 0.5`` has two layers of gabor and one of sinc, and its first layer
# started at half the scale that gabor had in the first round; lines of one name differ in the
# scales of hidden layers. The further right, the better on the samples held out. The blue line goes
# through those that led; a diamond is another that was trained in full. The fit has seen all
# samples, so that nothing is left to judge it by.

SearchDisplay.from_estimator(between, data_range=1.0)

# %%
# The samples alone
# -----------------
# With ``selection="train"`` the samples trained on are the judge. The search starts at larger
# scales and prefers what memorises best. That is what you want of a picture that will never be
# asked for anything but its own pixels. Rounds take a quarter of the samples, and half the units.

alone = encoder("train").fit(coords[given], values[given])
SearchDisplay.from_estimator(alone, data_range=1.0)

# %%
# What becomes of the rest
# ------------------------
# The loss on the samples says that the second fit is the better by far. The pixels that neither saw
# say otherwise.

for name, fitted in {"held_out": between, "train": alone}.items():
    predicted = fitted.predict(coords)
    print(
        f"{name:9} {'-'.join(fitted.activations_):26} "
        f"given: {psnr(values[given], predicted[given], data_range=1.0):6.1f} dB, "
        f"between: {psnr(values[~given], predicted[~given], data_range=1.0):5.1f} dB"
    )

# sphinx_gallery_thumbnail_number = 3
figure, axes = plt.subplots(1, 4, figsize=(11, 3.1), layout="constrained")
panels = {
    "all pixels": image,
    "given": np.where(given.reshape(image.shape), image, 1.0),
    'fit, "held_out"': between.predict(coords).reshape(image.shape),
    'fit, "train"': alone.predict(coords).reshape(image.shape),
}
for ax, (title, panel) in zip(axes, panels.items(), strict=True):
    ax.imshow(panel, cmap="gray", vmin=0, vmax=1)
    ax.set_title(title)
    ax.set_axis_off()
